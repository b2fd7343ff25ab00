//! Every function, over and over, with whatever a caller may get wrong.

use super::*;

/// Calls in random order with random arguments: lengths, rates, sizes, offsets, numbers that are none. What the header
/// forbids (pointers to memory that is not there) is left out; everything else must come back with a status.
#[test]
fn a_million_random_calls() {
    let calls: u64 = std::env::var("SOURDINE_CALLS").map_or(20_000, |n| n.parse().unwrap());
    let mut rng = Random::new(6);
    let numbers = [0.0, -0.0, 1.0, 24.0, -1.0, 1e-40, 1e30, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5];
    let rates =
        [0, 1, 7_999, 8_000, 11_025, 16_000, 44_100, 44_101, 48_000, 96_000, 192_000, 192_001, u32::MAX];
    let mut memory = vec![0.0_f32; 4_000];
    let mut other = vec![0.0_f32; 4_000];
    let own = model(c"sourdine");
    let baseline = model(c"rnnoise");
    let mut live = engine(&preset());
    let mut handle = controls(live);
    let mut detector = null_mut();
    let config = preset();
    unsafe { sourdine_detector_create(&raw const config, &raw mut detector, null_mut(), 0) };
    let mut seen = [0_u64; 14];
    for call in 0..calls {
        let number = numbers[rng.below(numbers.len())];
        let frames = match rng.below(8) {
            0 => 0,
            1 => usize::MAX - rng.below(3),
            2 => usize::MAX / 2 + 1 + rng.below(1 << 20),
            _ => rng.below(60),
        };
        let at = memory.as_mut_ptr().wrapping_byte_add([0, 0, 0, 0, 1, 4, 64][rng.below(7)]);
        let to = match rng.below(4) {
            0 => at,
            1 => memory.as_mut_ptr().wrapping_add(rng.below(600)),
            2 => null_mut(),
            _ => other.as_mut_ptr(),
        };
        let from = if rng.below(30) == 0 { null() } else { at.cast_const() };
        memory[rng.below(4_000)] = number;
        let mut told = sourdine_report { size: [28, 28, 28, 32, 0, u32::MAX][rng.below(6)], ..report() };
        let told = if told.size == 32 { null_mut() } else { &raw mut told };
        let mut counted = sourdine_stats { size: [88, 88, 0, 87][rng.below(4)], ..stats() };
        let (mut words, mut state, mut size) = ([0; 40], 0, 0);
        let on = rng.bits() as i32;
        let pick = rng.below(24);
        let status = unsafe {
            match pick {
                0 if call % 50 == 0 => {
                    let mut config = preset();
                    config.sample_rate = rates[rng.below(rates.len())];
                    config.channels = rng.below(10) as u32;
                    config.fixed_block = [0, 0, 480, 441, 1, u32::MAX][rng.below(6)];
                    config.model = [null(), own.cast_const(), baseline][rng.below(3)];
                    config.light_model = [null(), null(), own.cast_const()][rng.below(3)];
                    config.separate_channels = rng.below(2) as u32;
                    match rng.below(12) {
                        0 => config.attenuation_limit_db = number,
                        1 => config.gate_hold_ms = number,
                        2 => config.voice_off = number,
                        3 => config.model_latency = rng.bits(),
                        4 => config.size = rng.bits() % 200,
                        5 => config.ceiling = 1,
                        6 => config.voice_hangover_ms = number,
                        _ => {}
                    }
                    // A size beyond the structure would be a lie about memory.
                    config.size = config.size.min(size_of::<sourdine_config>() as u32);
                    let mut new = null_mut();
                    let status =
                        sourdine_engine_create(&raw const config, &raw mut new, words.as_mut_ptr(), 40);
                    assert_eq!(status == Status::OK, !new.is_null());
                    if !new.is_null() {
                        sourdine_controls_destroy(handle);
                        sourdine_engine_destroy(live);
                        live = new;
                        handle = controls(live);
                    }
                    status
                }
                1 => sourdine_engine_process_interleaved_i16(live, from.cast(), to.cast(), frames, told),
                2 => sourdine_engine_process_interleaved_f32_in_i16_range(live, from, to, frames, told),
                3..6 => {
                    let mut spread = |at: *mut f32| -> Vec<*mut f32> {
                        let step = [frames.min(60), 1, 0][rng.below(3).min(call as usize % 3)];
                        (0..8).map(|c| if at.is_null() { at } else { at.wrapping_add(c * step) }).collect()
                    };
                    let (ins, outs) = (spread(from.cast_mut()), spread(to));
                    let ins: Vec<*const f32> = ins.into_iter().map(<*mut f32>::cast_const).collect();
                    match pick {
                        3 => sourdine_engine_process_planar_f32(
                            live,
                            ins.as_ptr(),
                            outs.as_ptr(),
                            frames,
                            told,
                        ),
                        4 => sourdine_engine_process_planar_f32_in_i16_range(
                            live,
                            ins.as_ptr(),
                            outs.as_ptr(),
                            frames,
                            told,
                        ),
                        _ => sourdine_engine_process_planar_i16(
                            live,
                            ins.as_ptr().cast(),
                            outs.as_ptr().cast(),
                            frames,
                            told,
                        ),
                    }
                }
                6 => sourdine_controls_set_enabled(handle, on & 1),
                7 => sourdine_controls_set_passthrough(handle, on & 1),
                8 => sourdine_controls_set_residue(handle, on),
                9 => sourdine_controls_set_gate(handle, on),
                10 => sourdine_controls_set_attenuation_limit_db(handle, number),
                11 if call % 20 == 0 => sourdine_controls_set_model(handle, [own, baseline][rng.below(2)]),
                12 => sourdine_controls_get_state(handle, &raw mut state),
                13 => sourdine_engine_get_stats(live, &raw mut counted),
                14 => sourdine_engine_get_report(live, told),
                15 => sourdine_engine_report_time(live, f64::from(number), f64::from(numbers[rng.below(11)])),
                16 if call % 40 == 0 => {
                    let frames = if frames > 1_000 { 0 } else { frames };
                    sourdine_engine_finish_interleaved_f32(live, to, frames, &raw mut size)
                }
                17 if call % 10 == 0 => sourdine_engine_reset(live),
                18 => sourdine_detector_process_interleaved_f32(detector, from, frames, null_mut()),
                19 => sourdine_detector_process_interleaved_i16(detector, from.cast(), frames, null_mut()),
                20 => {
                    let bytes: Vec<u8> = (0..rng.below(64)).map(|_| rng.bits() as u8).collect();
                    let mut m = null_mut();
                    let len = if rng.below(20) == 0 { usize::MAX } else { bytes.len() };
                    sourdine_model_create_from_memory(
                        bytes.as_ptr().cast(),
                        len,
                        &raw mut m,
                        words.as_mut_ptr(),
                        40,
                    )
                }
                21 => sourdine_config_init((&raw mut memory[0]).cast(), rng.below(300)),
                22 => sourdine_engine_get_latency(live, [null_mut(), &raw mut size][rng.below(2)]),
                _ => sourdine_engine_process_interleaved_f32(live, from, to, frames, told),
            }
        };
        seen[status as usize] += 1;
    }
    println!("{calls} calls: {seen:?}");
    assert_eq!(seen[Status::INTERNAL as usize], 0);
    for status in [Status::OK, Status::NULL, Status::SIZE, Status::ALIGNMENT, Status::OVERLAP, Status::LENGTH]
    {
        assert!(seen[status as usize] > 0, "{status:?} never seen");
    }
    unsafe {
        sourdine_detector_destroy(detector);
        sourdine_controls_destroy(handle);
        sourdine_engine_destroy(live);
        sourdine_model_destroy(own);
        sourdine_model_destroy(baseline);
    }
}
