// A capture post-processor in the manner of WebRTC's CustomProcessing, as Telegram's calls have one: Initialize with the
// stream's rate and channels, Process(AudioBuffer) every 10 ms on the audio thread, in place and in WebRTC's scale
// (floats in the range of 16-bit integers); the user interface's thread reads the voice level and the speaking flag, and
// switches the filter. The AudioBuffer here has the members of WebRTC's that a post-processor needs.
//
//     c++ -std=c++17 voice_processor.cpp -lsourdine -lpthread -o voice_processor && ./voice_processor [SECONDS]
//
// main() plays both threads and checks what came out.
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "sourdine.hpp"

namespace {

class AudioBuffer {
public:
    AudioBuffer(std::size_t channels, std::size_t frames) : frames_(frames), samples_(channels * frames)
    {
        for (std::size_t c = 0; c < channels; c++) channels_.push_back(samples_.data() + c * frames);
    }
    float *const *channels() { return channels_.data(); }
    std::size_t num_channels() const { return channels_.size(); }
    std::size_t num_frames() const { return frames_; }

private:
    std::size_t frames_;
    std::vector<float> samples_;
    std::vector<float *> channels_;
};

class VoiceProcessor {
public:
    // Not on the audio thread: allocates.
    void Initialize(int sample_rate_hz, int num_channels)
    {
        sourdine_config config = sourdine::config();
        const sourdine::Model model("sourdine");
        config.sample_rate = static_cast<std::uint32_t>(sample_rate_hz);
        config.channels = static_cast<std::uint32_t>(num_channels);
        config.fixed_block = config.sample_rate / 100;
        config.model = model.get();
        engine_ = std::make_unique<sourdine::Engine>(config);
        controls_ = std::make_unique<sourdine::Controls>(engine_->controls());
    }

    // On the audio thread.
    void Process(AudioBuffer *audio)
    {
        sourdine_report report = sourdine::report();
        const auto status =
            engine_->process_planar_in_i16_range(audio->channels(), audio->channels(), audio->num_frames(), &report);
        if (status != SOURDINE_STATUS_OK) {
            failures_.fetch_add(1, std::memory_order_relaxed); // the block is as it was: the call goes on
            return;
        }
        level_dbfs_.store(report.output_dbfs, std::memory_order_relaxed);
        speaking_.store(report.voice != 0, std::memory_order_relaxed);
    }

    // On any thread.
    void SetEnabled(bool on) { controls_->set_enabled(on); }
    bool ReallyOn() const { return controls_->state() == SOURDINE_STATE_DENOISING; }
    bool Speaking() const { return speaking_.load(std::memory_order_relaxed); }
    float LevelDbfs() const { return level_dbfs_.load(std::memory_order_relaxed); }
    long Failures() const { return failures_.load(std::memory_order_relaxed); }
    std::size_t LatencyFrames() const { return engine_->latency(); }

private:
    std::unique_ptr<sourdine::Engine> engine_;
    std::unique_ptr<sourdine::Controls> controls_;
    std::atomic<float> level_dbfs_{-120.0f};
    std::atomic<bool> speaking_{false};
    std::atomic<long> failures_{0};
};

// A hoarse vowel, eight times a second, in soft noise.
float voice(std::size_t n)
{
    const double t = static_cast<double>(n) / 48000.0;
    const double syllable = std::fmax(0.0, std::sin(2.0 * 3.14159265358979 * 4.0 * t));
    double x = 0.0;
    for (int harmonic = 1; harmonic < 20; harmonic++) x += std::sin(2.0 * 3.14159265358979 * 130.0 * harmonic * t) / harmonic;
    static std::uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    const double noise = static_cast<double>(state >> 8) / 8388608.0 - 1.0;
    return static_cast<float>(4000.0 * syllable * x + 300.0 * noise);
}

int fail(const char *what)
{
    std::fprintf(stderr, "%s\n", what);
    return 1;
}

} // namespace

int main(int argc, char **argv)
try {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 1.0;
    sourdine::require_abi();
    VoiceProcessor processor;
    try {
        processor.Initialize(1, 2);
        return fail("a rate of 1 Hz was taken");
    } catch (const sourdine::Error &error) {
        if (error.status() != SOURDINE_STATUS_SAMPLE_RATE) throw;
    }
    processor.Initialize(48000, 2);

    std::atomic<bool> done{false};
    std::atomic<long> switched{0};
    long seen_on = 0, seen_speaking = 0;
    std::thread interface([&] {
        while (!done.load()) {
            processor.SetEnabled(switched++ % 3 != 0);
            seen_on += processor.ReallyOn();
            seen_speaking += processor.Speaking();
            if (processor.LevelDbfs() > 20.0f) break;
            std::this_thread::yield();
        }
    });

    // A busy machine may start that thread late.
    while (switched.load() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));

    AudioBuffer audio(2, 480);
    const std::size_t blocks = static_cast<std::size_t>(seconds * 100.0);
    long speaking = 0;
    bool finite = true;
    for (std::size_t block = 0; block < blocks; block++) {
        for (std::size_t i = 0; i < 480; i++) audio.channels()[0][i] = audio.channels()[1][i] = voice(480 * block + i);
        processor.Process(&audio);
        speaking += processor.Speaking();
        for (std::size_t i = 0; i < 480; i++) finite = finite && std::isfinite(audio.channels()[1][i]);
    }
    done.store(true);
    interface.join();
    std::printf("%zu blocks, latency %zu frames; voice in %ld, switched %ld times, seen on %ld and speaking %ld times\n",
                blocks, processor.LatencyFrames(), speaking, switched.load(), seen_on, seen_speaking);
    if (processor.Failures() != 0) return fail("a block was refused");
    if (!finite) return fail("a sample is not a number");
    return 0;
} catch (const std::exception &error) {
    return fail(error.what());
}
