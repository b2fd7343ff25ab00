// sourdine.h for C++17: objects that clean up after themselves, and exceptions where something is created.
//
// Nothing here is compiled into the library; calls that may be made on the audio thread return a status and never
// throw. Threads and real time are as sourdine.h says of the function of the same name.
#ifndef SOURDINE_HPP
#define SOURDINE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "sourdine.h"

namespace sourdine {

using Status = ::sourdine_status;

/// An error, with the reason.
class Error : public std::runtime_error {
public:
    Error(Status status, const char *words)
        : std::runtime_error(words && *words ? words : sourdine_status_text(status)), status_(status) {}
    Status status() const noexcept { return status_; }

private:
    Status status_;
};

namespace detail {

struct Destroy {
    void operator()(sourdine_model *p) const noexcept { sourdine_model_destroy(p); }
    void operator()(sourdine_engine *p) const noexcept { sourdine_engine_destroy(p); }
    void operator()(sourdine_controls *p) const noexcept { sourdine_controls_destroy(p); }
    void operator()(sourdine_detector *p) const noexcept { sourdine_detector_destroy(p); }
};

template <typename T>
using Handle = std::unique_ptr<T, Destroy>;

inline void require(Status status, const char *words = nullptr)
{
    if (status != SOURDINE_STATUS_OK) throw Error(status, words);
}

} // namespace detail

/// Fails early where the header and the library do not belong together.
inline void require_abi()
{
    if (sourdine_abi_version() != SOURDINE_ABI_VERSION) throw Error(SOURDINE_STATUS_SIZE, "libsourdine has another ABI version than sourdine.h");
}

/// A config with the defaults.
inline sourdine_config config()
{
    sourdine_config config;
    detail::require(sourdine_config_init(&config, sizeof config));
    return config;
}

/// A report ready to be filled.
inline sourdine_report report() noexcept
{
    sourdine_report report{};
    report.size = sizeof report;
    return report;
}

/// A voice detector's report ready to be filled.
inline sourdine_voice_report voice_report() noexcept
{
    sourdine_voice_report report{};
    report.size = sizeof report;
    return report;
}

/// Weights, shared between streams.
class Model {
public:
    /// A built-in one: "sourdine", "sourdine-lite" or "rnnoise".
    explicit Model(const char *name)
    {
        sourdine_model *model = nullptr;
        detail::require(sourdine_model_create(name, &model));
        handle_.reset(model);
    }

    /// One from the bytes of a weights file.
    Model(const void *bytes, std::size_t size)
    {
        sourdine_model *model = nullptr;
        char words[256];
        detail::require(sourdine_model_create_from_memory(bytes, size, &model, words, sizeof words), words);
        handle_.reset(model);
    }

    const sourdine_model *get() const noexcept { return handle_.get(); }
    Status warm_up_thread() const noexcept { return sourdine_model_warm_up_thread(get()); }

private:
    detail::Handle<sourdine_model> handle_;
};

/// A stream's controls, for any thread. May outlive the stream.
class Controls {
public:
    explicit Controls(const sourdine_engine *engine)
    {
        sourdine_controls *controls = nullptr;
        detail::require(sourdine_engine_create_controls(engine, &controls));
        handle_.reset(controls);
    }

    Status set_enabled(bool on) const noexcept { return sourdine_controls_set_enabled(handle_.get(), on); }
    Status set_passthrough(bool on) const noexcept { return sourdine_controls_set_passthrough(handle_.get(), on); }
    Status set_residue(bool on) const noexcept { return sourdine_controls_set_residue(handle_.get(), on); }
    Status set_gate(bool on) const noexcept { return sourdine_controls_set_gate(handle_.get(), on); }
    Status set_attenuation_limit_db(float db) const noexcept { return sourdine_controls_set_attenuation_limit_db(handle_.get(), db); }
    Status set_model(const Model &model) const noexcept { return sourdine_controls_set_model(handle_.get(), model.get()); }

    sourdine_state state() const noexcept
    {
        std::int32_t state = SOURDINE_STATE_IDLE;
        sourdine_controls_get_state(handle_.get(), &state);
        return static_cast<sourdine_state>(state);
    }

private:
    detail::Handle<sourdine_controls> handle_;
};

/// One stream's denoiser.
class Engine {
public:
    explicit Engine(const sourdine_config &config)
    {
        sourdine_engine *engine = nullptr;
        char words[256];
        detail::require(sourdine_engine_create(&config, &engine, words, sizeof words), words);
        handle_.reset(engine);
    }

    Controls controls() const { return Controls(handle_.get()); }

    std::size_t latency() const noexcept
    {
        std::size_t frames = 0;
        sourdine_engine_get_latency(handle_.get(), &frames);
        return frames;
    }

    sourdine_stats stats() const
    {
        sourdine_stats stats{};
        stats.size = sizeof stats;
        detail::require(sourdine_engine_get_stats(handle_.get(), &stats));
        return stats;
    }

    Status warm_up_thread() noexcept { return sourdine_engine_warm_up_thread(handle_.get()); }
    Status reset() noexcept { return sourdine_engine_reset(handle_.get()); }
    Status report_time(double spent, double available) noexcept { return sourdine_engine_report_time(handle_.get(), spent, available); }

    Status process(const float *in, float *out, std::size_t frames, sourdine_report *report = nullptr) noexcept
    {
        return sourdine_engine_process_interleaved_f32(handle_.get(), in, out, frames, report);
    }
    Status process(const std::int16_t *in, std::int16_t *out, std::size_t frames, sourdine_report *report = nullptr) noexcept
    {
        return sourdine_engine_process_interleaved_i16(handle_.get(), in, out, frames, report);
    }
    Status process_in_i16_range(const float *in, float *out, std::size_t frames, sourdine_report *report = nullptr) noexcept
    {
        return sourdine_engine_process_interleaved_f32_in_i16_range(handle_.get(), in, out, frames, report);
    }
    Status process_planar(const float *const *in, float *const *out, std::size_t frames, sourdine_report *report = nullptr) noexcept
    {
        return sourdine_engine_process_planar_f32(handle_.get(), in, out, frames, report);
    }
    Status process_planar(const std::int16_t *const *in, std::int16_t *const *out, std::size_t frames, sourdine_report *report = nullptr) noexcept
    {
        return sourdine_engine_process_planar_i16(handle_.get(), in, out, frames, report);
    }
    Status process_planar_in_i16_range(const float *const *in, float *const *out, std::size_t frames, sourdine_report *report = nullptr) noexcept
    {
        return sourdine_engine_process_planar_f32_in_i16_range(handle_.get(), in, out, frames, report);
    }
    Status finish(float *out, std::size_t frames, std::size_t *written) noexcept
    {
        return sourdine_engine_finish_interleaved_f32(handle_.get(), out, frames, written);
    }

    sourdine_engine *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<sourdine_engine> handle_;
};

/// Tells voice from noise without denoising.
class Detector {
public:
    explicit Detector(const sourdine_config &config)
    {
        sourdine_detector *detector = nullptr;
        char words[256];
        detail::require(sourdine_detector_create(&config, &detector, words, sizeof words), words);
        handle_.reset(detector);
    }

    Status process(const float *in, std::size_t frames, sourdine_voice_report *report) noexcept
    {
        return sourdine_detector_process_interleaved_f32(handle_.get(), in, frames, report);
    }
    Status process(const std::int16_t *in, std::size_t frames, sourdine_voice_report *report) noexcept
    {
        return sourdine_detector_process_interleaved_i16(handle_.get(), in, frames, report);
    }
    Status process_in_i16_range(const float *in, std::size_t frames, sourdine_voice_report *report) noexcept
    {
        return sourdine_detector_process_interleaved_f32_in_i16_range(handle_.get(), in, frames, report);
    }
    Status reset() noexcept { return sourdine_detector_reset(handle_.get()); }

private:
    detail::Handle<sourdine_detector> handle_;
};

} // namespace sourdine

#endif
