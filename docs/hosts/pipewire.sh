#!/usr/bin/env bash
# Tests the recipe for PipeWire: the microphone that `install-microphone` configures gives what `sourdine clean` gives, is
# back after the server was killed, and no program of ours runs. Installs PipeWire on Debian; needs no sound card.
#
#   docs/hosts/pipewire.sh
#   docs/hosts/pipewire.sh cost       prints the processor time of the filter's process, compared with others in its place
set -euo pipefail
cd "$(dirname "$0")/../.."
what=${1:-test}
.ci/install-debian pipewire pipewire-bin wireplumber pipewire-pulse pulseaudio-utils dbus libasound2-dev pkg-config

packages=(-p sourdine-cli -p sourdine-live -p sourdine-plugin)
if [ "$what" = cost ]; then
    .ci/install-debian ladspa-sdk gcc
    packages+=(-p sourdine-rnnoise)
fi
cargo build --release --locked "${packages[@]}"
target=$PWD/${CARGO_TARGET_DIR:-target}/release
folder=$(mktemp -d)
export HOME=$folder XDG_CONFIG_HOME=$folder/config XDG_RUNTIME_DIR=$folder/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
"$target/sourdine-bundle" "$folder/plugins" >"$folder/bundle.log"

# Cuts the silence at the start, and makes all files of one length.
cut() {
    ffmpeg -v error -y -i "$1" -af silenceremove=start_periods=1:start_threshold=-65dB,apad -t 13 -c:a pcm_s16le "${1%.wav}.cut.wav"
}

session() {
    set -euo pipefail
    pids=()
    trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null' EXIT
    start_server() {
        pipewire >"$folder/pipewire.log" 2>&1 &
        server=$!
        pids+=($server)
        for _ in $(seq 100); do [ -S "$XDG_RUNTIME_DIR/pipewire-0" ] && break || sleep 0.1; done
        wireplumber >"$folder/wireplumber.log" 2>&1 &
        manager=$!
        pipewire-pulse >"$folder/pulse.log" 2>&1 &
        pulse=$!
        pids+=($manager $pulse)
        for _ in $(seq 100); do pactl info >/dev/null 2>&1 && break || sleep 0.1; done
        # Long blocks, since the machine may be busy with other things.
        pw-metadata -n settings 0 clock.force-quantum 8192 >/dev/null
        # A microphone without a sound card: what is played into `voice` is what it hears.
        pactl load-module module-null-sink sink_name=voice rate=48000 channels=1 channel_map=mono >/dev/null
        pactl load-module module-remap-source master=voice.monitor source_name=test_microphone channels=1 channel_map=mono >/dev/null
    }
    # What systemd's unit does: starts the filter after the server, and ends it with the server.
    start_filter() {
        pipewire -c "$XDG_CONFIG_HOME/pipewire/sourdine-microphone.conf" >"$folder/filter.log" 2>&1 &
        filter=$!
        pids+=($filter)
    }
    wait_for_microphone() {
        for _ in $(seq 150); do pactl list short sources | grep -q sourdine_microphone && return || sleep 0.1; done
        echo "the microphone did not appear within 15 s" >&2
        exit 1
    }
    compare() {
        rm -f "$folder/recorded.wav" "$folder/recorded.cut.wav"
        pw-record --target sourdine_microphone --rate 48000 --channels 1 --format s16 "$folder/recorded.wav" &
        recorder=$!
        sleep 2
        pw-play --target voice "$folder/voice.wav"
        sleep 1
        kill -INT $recorder
        wait $recorder || true
        cut "$folder/recorded.wav"
        # A correlation of 0.99 is a signal-to-distortion ratio of 16.9 dB.
        "$target/sourdine" compare "$folder/clean.cut.wav" "$folder/voice.cut.wav" "$folder/recorded.cut.wav" --json |
            .ci/si-sdr-at-least 16.9
    }

    # Processor time of the filter's process in a minute of sound, with this node in its graph.
    cost() {
        local configuration=$XDG_CONFIG_HOME/pipewire/sourdine-microphone.conf
        "$target/sourdine-live" install-microphone --plugin "$folder/plugins/ladspa/sourdine.so" --input test_microphone >/dev/null
        sed -Ei "s|type = ladspa|type = $2|; s|plugin = .*|plugin = \"$3\"|; s|label = .*|label = $4|; s|control = .*|control = { $5 }|" "$configuration"
        start_filter
        wait_for_microphone
        pw-record --target sourdine_microphone --rate 48000 --channels 1 --format s16 "$folder/recorded.wav" &
        recorder=$!
        pw-play --target voice "$folder/voice.wav" &
        player=$!
        sleep 2
        ticks() { awk '{ print $14 + $15 }' "/proc/$filter/stat"; }
        local before=$(ticks)
        sleep 60
        echo "| $1 | $(awk -v t=$(($(ticks) - before)) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", t / hz }') s |"
        kill -INT $recorder $player $filter
        wait $recorder $player $filter 2>/dev/null || true
    }

    start_server
    if [ "$what" = cost ]; then
        pw-metadata -n settings 0 clock.force-quantum 1024 >/dev/null
        cost "no filter" builtin "" copy ""
        cost RNNoise ladspa "$folder/rnnoise.so" rnnoise ""
        cost sourdine ladspa "$folder/plugins/ladspa/sourdine.so" sourdine_mono ""
        cost sourdine-lite ladspa "$folder/plugins/ladspa/sourdine.so" sourdine_mono '"Model (0 sourdine, 1 sourdine-lite)" = 1.0'
        exit
    fi
    "$target/sourdine-live" install-microphone --plugin "$folder/plugins/ladspa/sourdine.so" --input test_microphone
    start_filter
    wait_for_microphone
    compare
    ! pgrep -x sourdine-live || { echo "a program of ours runs" >&2; exit 1; }

    echo "killing the server"
    kill -9 $server $manager $pulse
    kill $filter
    rm -f "$XDG_RUNTIME_DIR"/pipewire-0*
    sleep 1
    start_server
    start_filter
    wait_for_microphone
    compare

    "$target/sourdine-live" install-microphone --remove
    [ ! -e "$XDG_CONFIG_HOME/pipewire/sourdine-microphone.conf" ]
}
export -f session cut
export folder target what

# Three times the sample, so that a recording has something to hold on to.
repeats=2
if [ "$what" = cost ]; then
    gcc -O2 -shared -fPIC docs/hosts/rnnoise_ladspa.c -Icrates/rnnoise/include -o "$folder/rnnoise.so" "$target/librnnoise.so" -Wl,-rpath,"$target"
    repeats=16
fi
ffmpeg -v error -stream_loop $repeats -i samples/fan-hum-48k.wav -c:a pcm_s16le "$folder/voice.wav"
"$target/sourdine" clean "$folder/voice.wav" -o "$folder/clean.wav" --quiet
cut "$folder/voice.wav"
cut "$folder/clean.wav"
code=0
dbus-run-session -- bash -c session || code=$?
if ((code)); then tail -n 20 "$folder"/*.log >&2; fi
rm -rf "$folder"
exit $code
