//! Test signals, all from formulas and seeds.

use std::f64::consts::TAU;

/// A small, seeded generator of random numbers (xorshift64*, Vigna 2016): the same numbers everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    /// A number in −1…1.
    pub fn unit(&mut self) -> f32 {
        (f64::from(self.bits()) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
    }

    /// A whole number in `0..below`.
    pub fn below(&mut self, below: usize) -> usize {
        self.bits() as usize % below
    }
}

/// White noise within ±`peak`.
#[must_use]
pub fn noise(frames: usize, peak: f32, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..frames).map(|_| random.unit() * peak).collect()
}

/// A sine of `hz` at `rate`.
#[must_use]
pub fn tone(frames: usize, rate: u32, hz: f64, peak: f32) -> Vec<f32> {
    let step = TAU * hz / f64::from(rate);
    (0..frames).map(|i| (step * i as f64).sin() as f32 * peak).collect()
}

/// Something that a voice detector takes for speech: syllables of a gliding harmonic tone with two formants,
/// with pauses and a fricative-like hiss between them. Peak about 0.3.
#[must_use]
pub fn speechlike(frames: usize, rate: u32, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let rate_f = f64::from(rate);
    let mut out = vec![0.0_f32; frames];
    let mut start = (0.15 * rate_f) as usize;
    while start < frames {
        let length = (rate_f * (0.16 + 0.1 * f64::from(random.unit().abs()))) as usize;
        let pitch = 120.0 + 60.0 * f64::from(random.unit());
        let glide = 1.0 + 0.15 * f64::from(random.unit());
        let formants = [500.0 + 250.0 * f64::from(random.unit()), 1500.0 + 500.0 * f64::from(random.unit())];
        let mut phase = 0.0;
        for i in 0..length.min(frames - start) {
            let t = i as f64 / length as f64;
            let hz = pitch * (1.0 + (glide - 1.0) * t);
            phase += TAU * hz / rate_f;
            let envelope = (std::f64::consts::PI * t).sin().powf(0.6);
            let harmonics = ((0.45 * rate_f).min(7000.0) / hz) as usize;
            let voice: f64 = (1..=harmonics)
                .map(|h| {
                    let f = hz * h as f64;
                    let shape: f64 =
                        formants.iter().map(|formant| 1.0 / (1.0 + ((f - formant) / 120.0).powi(2))).sum();
                    (0.03 + shape) / (h as f64).sqrt() * (phase * h as f64).sin()
                })
                .sum();
            out[start + i] = (0.12 * envelope * voice) as f32;
        }
        start += length;
        let hiss = (0.05 * rate_f) as usize;
        for x in out.iter_mut().skip(start).take(hiss) {
            *x += 0.02 * random.unit();
        }
        start += hiss + (rate_f * 0.25 * f64::from(random.unit().abs())) as usize;
    }
    out
}

/// `count` block lengths of 1 to `longest` frames, and now and then 0.
#[must_use]
pub fn random_blocks(count: usize, longest: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed);
    (0..count).map(|_| if random.below(17) == 0 { 0 } else { 1 + random.below(longest) }).collect()
}
