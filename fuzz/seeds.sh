#!/bin/sh
# Fills a folder with one small file of every container that is read: fuzz/seeds.sh FOLDER. Needs ffmpeg; sox for RIFX.
# Without them only the files that were once found wrong are seeds.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
cp "$here"/../crates/soundfile/tests/regressions/* "$folder"
command -v ffmpeg >/dev/null || exit 0
make() { # NAME OPTIONS …
    name=$1
    shift
    [ -s "$folder/$name" ] || ffmpeg -v quiet -nostdin -y -f lavfi -i "sine=f=300:r=8000:d=0.2" "$@" "$folder/$name" || true
}
make pcm.wav -metadata title=seed
make float.wav -c:a pcm_f32le
make alaw.wav -c:a pcm_alaw
make rf64.wav -rf64 always
make ms.wav -c:a adpcm_ms
make ima.wav -c:a adpcm_ima_wav
make native.flac -metadata title=seed
make vorbis.ogg -c:a libvorbis -ar 16000 -metadata title=seed
make flac.ogg -c:a flac
make opus.ogg -c:a libopus -ar 48000 -b:a 8k
make hybrid.opus -c:a libopus -ar 48000 -b:a 24k -application voip -metadata title=seed
make celt.opus -c:a libopus -ac 2 -ar 48000 -b:a 64k
make surround.opus -c:a libopus -ac 6 -ar 48000 -b:a 64k -mapping_family 1
make layer3.mp3 -c:a libmp3lame -ar 16000 -b:a 16k -metadata title=seed
make layer2.mp2 -c:a mp2 -ar 16000 -b:a 32k
make lc.aac -c:a aac -b:a 16k
make lc.m4a -c:a aac -b:a 16k -metadata title=seed
make front.m4a -c:a aac -b:a 16k -movflags +faststart
make fragments.m4a -c:a aac -b:a 16k -movflags +frag_keyframe+empty_moov
make alac.m4a -c:a alac
make pcm.caf -c:a pcm_s16le -metadata title=seed
make mulaw.caf -c:a pcm_mulaw
make alac.caf -c:a alac
make pcm.aiff
make sowt.aifc -f aiff -c:a pcm_s16le
make float.aifc -f aiff -c:a pcm_f32be
make pcm.au
[ -s "$folder/big.wav" ] || sox "$folder/pcm.wav" -B "$folder/big.wav" 2>/dev/null || true
for name in native.flac layer3.mp3 vorbis.ogg opus.ogg; do # joined files
    [ ! -s "$folder/$name" ] || cat "$folder/$name" "$folder/$name" >"$folder/twice-$name"
done
