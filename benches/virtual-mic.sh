#!/usr/bin/env bash
# What a virtual microphone adds to the delay of a sound server, and what it costs: ours beside PulseAudio's own noise
# suppression (module-echo-cancel with WebRTC's). Needs pulseaudio and pulseaudio-utils, no sound card and no root.
#
#     cargo build --release -p sourdine-live && benches/virtual-mic.sh target/release/sourdine-live
set -euo pipefail
live=${1:?the path of sourdine-live}
folder=$(mktemp -d)
export XDG_RUNTIME_DIR=$folder HOME=$folder PULSE_SERVER=unix:$folder/socket
pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --log-target=stderr \
    -L "module-native-protocol-unix socket=$folder/socket auth-anonymous=1" \
    -L "module-null-sink sink_name=loop rate=48000 channels=1" \
    -L "module-null-sink sink_name=speakers rate=48000 channels=1" 2>"$folder/log" &
server=$!
trap 'kill $server 2>/dev/null; wait 2>/dev/null; rm -rf "$folder"' EXIT
until pactl info >/dev/null 2>&1; do sleep 0.1; done

# Milliseconds of processor time that the processes have taken so far.
cpu() {
    local sum=0 pid
    for pid in "$@"; do sum=$((sum + $(awk '{print ($14 + $15) * 10}' "/proc/$pid/stat"))); done
    echo $sum
}

# What a source adds: the clicks played into `loop` and found in the source; then ten seconds with a listener.
measure() {
    local name=$1 source=$2 listener before
    shift 2
    parec --raw -d "$source" >/dev/null &
    listener=$!
    sleep 5
    before=$(cpu "$@")
    sleep 10
    printf '%-36s %4d ms of processor in 10 s   ' "$name" $(($(cpu "$@") - before))
    "$live" latency --host pulseaudio -i "$source" -o loop --json | grep -o '"round_trip_ms":[0-9.]*'
    kill $listener
}

measure "nothing" loop.monitor $server

pactl load-module module-echo-cancel source_name=rival source_master=loop.monitor sink_name=unused \
    sink_master=speakers aec_method=webrtc rate=48000 channels=1 \
    'aec_args="analog_gain_control=0 digital_gain_control=0 noise_suppression=1"' >/dev/null
measure "module-echo-cancel, WebRTC" rival $server
pactl unload-module module-echo-cancel

for model in rnnoise sourdine; do
    # An attenuation limit of 0 dB lets the clicks pass; the delay and the work are the same.
    "$live" --host pulseaudio -i loop.monitor --virtual-mic -m $model -a 0 --json >/dev/null &
    program=$!
    until source=$(pactl list short sources | awk '/sourdine_live.*_mic/ {print $2}') && [ -n "$source" ]; do sleep 0.1; done
    measure "sourdine-live, $model" "$source" $server $program
    kill -INT $program
    wait $program
done
