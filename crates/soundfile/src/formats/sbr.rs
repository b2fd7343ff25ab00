//! Recognises HE-AAC, of which a decoder of plain AAC gives only the lower half of the band.

/// Returns whether a packet of plain AAC ends with the data from which a decoder of HE-AAC makes the upper half of the band: a
/// fill element of the type for it, behind the sound (ISO/IEC 14496-3, 4.4.2.7).
///
/// Only a decoder knows where the sound ends, so every place is tried from which fill elements lead exactly to the end of
/// the packet. Now and then that holds by chance: one packet proves nothing, all of several do.
pub(crate) fn has_band_replication(packet: &[u8]) -> bool {
    let bits = packet.len() * 8;
    // A fill element is at most 269 bytes long; a few may follow each other.
    (bits.saturating_sub(3 * 8 * 270)..bits).any(|at| leads_to_the_end(packet, at))
}

fn leads_to_the_end(packet: &[u8], mut at: usize) -> bool {
    const FILL: usize = 6;
    const END: usize = 7;
    let mut found = false;
    loop {
        match number(packet, at, 3) {
            Some(END) => return found && packet.len() * 8 - (at + 3) < 8,
            Some(FILL) => {}
            _ => return false,
        }
        let Some(mut bytes) = number(packet, at + 3, 4) else { return false };
        at += 7;
        if bytes == 15 {
            let Some(more) = number(packet, at, 8) else { return false };
            bytes += more;
            bytes = bytes.saturating_sub(1);
            at += 8;
        }
        // Types 13 and 14; less than two bytes hold none.
        found |= bytes > 1 && matches!(number(packet, at, 4), Some(13 | 14));
        at += bytes * 8;
    }
}

/// The number in some of the bits.
fn number(packet: &[u8], at: usize, bits: usize) -> Option<usize> {
    (at..at + bits).try_fold(0, |sum, at| {
        let byte = packet.get(at / 8)?;
        Some(sum << 1 | usize::from(byte >> (7 - at % 8) & 1))
    })
}

/// Returns whether an AudioSpecificConfig says that the stream is HE-AAC: in its object type, or in the extension behind it.
pub(crate) fn config_says_so(config: &[u8]) -> bool {
    let object = number(config, 0, 5);
    if matches!(object, Some(5 | 29)) {
        return true;
    }
    // The extension's mark, its type, and whether it is there at all.
    (16..config.len() * 8).any(|at| {
        number(config, at, 11) == Some(0x2B7)
            && number(config, at + 11, 5) == Some(5)
            && number(config, at + 16, 1) == Some(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits to bytes, filled up with zeros.
    fn packed(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        bits.chunks(8)
            .map(|byte| byte.iter().enumerate().fold(0, |sum, (i, bit)| sum | bit << (7 - i)))
            .collect()
    }

    #[test]
    fn a_fill_element_with_band_replication_is_found_behind_anything() {
        for sound in ["", "0", "000", "01011"] {
            let fill = packed(&format!("{sound} 110 0011 1101 0101 10101010 11110000 111"));
            assert!(has_band_replication(&fill), "{sound}");
            let other = packed(&format!("{sound} 110 0011 0000 0101 10101010 11110000 111"));
            assert!(!has_band_replication(&other), "{sound}");
        }
        assert!(!has_band_replication(&[]));
        assert!(!has_band_replication(&[0xFF; 700]));
    }

    #[test]
    fn configurations() {
        assert!(config_says_so(&packed("00101 0011 0001 0110 00010")));
        assert!(config_says_so(&packed("00010 0110 0001 000 01010110111 00101 1 0011")));
        assert!(!config_says_so(&packed("00010 0011 0001 000")));
        assert!(!config_says_so(&packed("00010 0110 0001 000 01010110111 00101 0")));
    }
}
