//! Speaker positions as CAF states them, and as WAVE's mask does.

const L: u32 = 0x1;
const R: u32 = 0x2;
const C: u32 = 0x4;
const LFE: u32 = 0x8;
const BACK_L: u32 = 0x10;
const BACK_R: u32 = 0x20;
const LC: u32 = 0x40;
const RC: u32 = 0x80;
const BACK_C: u32 = 0x100;
const SIDE_L: u32 = 0x200;
const SIDE_R: u32 = 0x400;

/// The mask for the body of a `chan` chunk; `None` where WAVE has no such layout, or has its channels in another order.
pub(crate) fn of_caf(body: &[u8]) -> Option<u32> {
    let number = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
    match number(0)? {
        0 => {
            let count = number(8)?.min(64) as usize;
            let labels: Option<Vec<u32>> = (0..count).map(|index| label(number(12 + 20 * index)?)).collect();
            ordered(&labels?)
        }
        // Its bits are those of WAVE.
        0x1_0000 => number(4).filter(|mask| *mask < 1 << 18),
        tag => ordered(of_tag(tag)?),
    }
}

/// WAVE's channels stand in the order of their bits.
fn ordered(speakers: &[u32]) -> Option<u32> {
    let rising = speakers.windows(2).all(|pair| pair[0] < pair[1]);
    (rising && !speakers.is_empty()).then(|| speakers.iter().sum())
}

/// Apple's labels of single channels, as ffmpeg takes them: a "surround" that stands alone is at the back.
fn label(label: u32) -> Option<u32> {
    Some(match label {
        1 => L,
        2 => R,
        3 => C,
        4 => LFE,
        5 | 33 => BACK_L,
        6 | 34 => BACK_R,
        7 => LC,
        8 => RC,
        9 => BACK_C,
        10 => SIDE_L,
        11 => SIDE_R,
        _ => return None,
    })
}

/// The layouts that have a number of their own, in their order; in those of MPEG and ITU surround is at the sides.
fn of_tag(tag: u32) -> Option<&'static [u32]> {
    Some(match (tag >> 16, tag & 0xFFFF) {
        (100, 1) => &[C],
        (101 | 102, 2) => &[L, R],
        (113, 3) => &[L, R, C],
        (108, 4) => &[L, R, BACK_L, BACK_R],         // quadraphonic
        (132, 4) => &[L, R, SIDE_L, SIDE_R],         // ITU 2.2
        (115, 4) => &[L, R, C, BACK_C],              // MPEG 4.0 A
        (117, 5) => &[L, R, C, SIDE_L, SIDE_R],      // MPEG 5.0 A
        (121, 6) => &[L, R, C, LFE, SIDE_L, SIDE_R], // MPEG 5.1 A
        (131, 3) => &[L, R, BACK_C],                 // ITU 2.1
        (133, 3) => &[L, R, LFE],                    // DVD 4
        (136, 4) => &[L, R, C, LFE],                 // DVD 10
        (137, 5) => &[L, R, C, LFE, BACK_C],         // DVD 11
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chan(tag: u32, bits: u32, labels: &[u32]) -> Vec<u8> {
        let mut body = [tag, bits, labels.len() as u32].map(u32::to_be_bytes).concat();
        for label in labels {
            body.extend(label.to_be_bytes());
            body.extend([0; 16]);
        }
        body
    }

    #[test]
    fn surround_stays_surround() {
        assert_eq!(of_caf(&chan(117 << 16 | 5, 0, &[])), Some(0x607));
        assert_eq!(of_caf(&chan(115 << 16 | 4, 0, &[])), Some(0x107));
        assert_eq!(of_caf(&chan(121 << 16 | 6, 0, &[])), Some(0x60F));
        assert_eq!(of_caf(&chan(0x1_0000, 0x37, &[])), Some(0x37));
        assert_eq!(of_caf(&chan(0, 0, &[1, 2, 3, 9])), Some(0x107));
    }

    #[test]
    fn orders_that_wave_does_not_have_say_nothing() {
        assert_eq!(of_caf(&chan(0, 0, &[3, 1, 2])), None);
        assert_eq!(of_caf(&chan(0, 0, &[])), None);
        assert_eq!(of_caf(&chan(200 << 16 | 6, 0, &[])), None);
        assert_eq!(of_caf(&[0, 0]), None);
    }
}
