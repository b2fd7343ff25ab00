//! Bounds the memory that the codebooks of a Vorbis stream ask for (Vorbis I, 3.2.1): a few bytes can describe many megabytes.

/// Values in all codebooks of a stream, at most: real ones have a hundredth of it.
const MOST_VALUES: u64 = 8 << 20;

/// Returns whether the setup packet describes codebooks that a decoder may well be given. What cannot be understood is left to
/// the decoder, which refuses it for itself.
pub(crate) fn is_modest(setup: &[u8]) -> bool {
    let Some(body) = setup.strip_prefix(b"\x05vorbis") else { return true };
    let mut bits = Bits { bytes: body, at: 0 };
    let mut values = 0;
    let Some(books) = bits.take(8).map(|books| books + 1) else { return true };
    for _ in 0..books {
        match codebook(&mut bits) {
            Some(more) => values += more,
            None => return values <= MOST_VALUES,
        }
        if values > MOST_VALUES {
            return false;
        }
    }
    true
}

/// The values that a decoder makes of the codebook here; `None` if the packet ends in it.
fn codebook(bits: &mut Bits) -> Option<u64> {
    bits.take(24).filter(|sync| *sync == 0x56_4342)?;
    let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
    let ordered = bits.take(1)? == 1;
    if ordered {
        bits.take(5)?;
        let mut current = 0;
        while current < entries {
            current += bits.take(64 - (entries - current).leading_zeros())?;
        }
    } else {
        let sparse = bits.take(1)? == 1;
        for _ in 0..entries {
            if !sparse || bits.take(1)? == 1 {
                bits.take(5)?;
            }
        }
    }
    let kind = bits.take(4)?;
    if kind == 0 {
        return Some(entries);
    }
    bits.skip(64)?;
    let width = bits.take(4)? + 1;
    bits.take(1)?;
    let all = entries * dimensions;
    let multiplicands = if kind == 1 { root(entries, dimensions) } else { all };
    // They need not be there for the decoder to make room for them.
    bits.skip(multiplicands * width);
    Some(all)
}

/// The largest number whose power of so many dimensions is not more than `entries`.
fn root(entries: u64, dimensions: u64) -> u64 {
    let fits = |base: u64| {
        (0..dimensions).try_fold(1_u64, |power, _| power.checked_mul(base).filter(|p| *p <= entries))
    };
    if dimensions == 1 {
        return entries;
    }
    let mut base = 1;
    while dimensions > 0 && base < entries && fits(base + 1).is_some() {
        base += 1;
    }
    base
}

/// Bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u64> {
        let mut number = 0;
        for place in 0..count {
            let byte = self.bytes.get(usize::try_from(self.at / 8).ok()?)?;
            number |= u64::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(number)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() as u64 * 8).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setup packet of codebooks that say in a few bytes that all their entries have words of one length.
    fn setup(books: u64, entries: u64, dimensions: u64) -> Vec<u8> {
        let mut bits = Vec::new();
        let mut put =
            |number: u64, count: u32| (0..count).for_each(|place| bits.push(number >> place & 1 == 1));
        put(books - 1, 8);
        for _ in 0..books {
            put(0x56_4342, 24);
            put(dimensions, 16);
            put(entries, 24);
            put(1, 1);
            put(16, 5);
            put(entries, 64 - entries.leading_zeros());
            put(1, 4);
            put(0, 64);
            put(0, 4);
            put(0, 1);
            put(0, root(entries, dimensions) as u32);
        }
        let bytes = bits
            .chunks(8)
            .map(|byte| byte.iter().enumerate().fold(0, |sum, (i, bit)| sum | u8::from(*bit) << i));
        b"\x05vorbis".iter().copied().chain(bytes).collect()
    }

    #[test]
    fn few_bytes_cannot_ask_for_much_memory() {
        assert!(is_modest(&setup(40, 1000, 8)));
        let hostile = setup(200, 1 << 17, 32);
        assert!(hostile.len() < 8000 && !is_modest(&hostile), "{} bytes", hostile.len());
        assert!(is_modest(b"") && is_modest(b"\x05vorbis") && is_modest(b"\x05vorbis\xFFgarbage"));
    }

    #[test]
    fn roots() {
        for (entries, dimensions, base) in
            [(81, 4, 3), (80, 4, 2), (1, 5, 1), (1 << 17, 1, 1 << 17), (7, 3, 1)]
        {
            assert_eq!(root(entries, dimensions), base, "{entries} {dimensions}");
        }
    }
}
