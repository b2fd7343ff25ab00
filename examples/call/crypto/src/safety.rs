use sha2::{Digest, Sha256};

/// Pictures that nobody confuses, with names that can be read aloud: 64, so that each stands for six bits.
#[rustfmt::skip]
const PICTURES: [(&str, &str); 64] = [
    ("🐻", "bear"), ("🦊", "fox"), ("🦉", "owl"), ("🐳", "whale"), ("🐝", "bee"), ("🐌", "snail"), ("🐪", "camel"), ("🐸", "frog"),
    ("🌹", "rose"), ("🌴", "palm"), ("🍀", "clover"), ("🍁", "leaf"), ("🌻", "sunflower"), ("🌲", "pine"), ("🌾", "wheat"), ("🍇", "grapes"),
    ("🥕", "carrot"), ("🍋", "lemon"), ("🥐", "croissant"), ("🧀", "cheese"), ("🍒", "cherry"), ("🥜", "peanut"), ("🍯", "honey"), ("🥨", "pretzel"),
    ("☀️", "sun"), ("⭐", "star"), ("🌈", "rainbow"), ("❄️", "snowflake"), ("🌋", "volcano"), ("🏝️", "island"), ("⚡", "lightning"), ("🌊", "wave"),
    ("🚌", "bus"), ("⛵", "sailboat"), ("🚁", "helicopter"), ("🚜", "tractor"), ("🛶", "canoe"), ("🛴", "scooter"), ("🎈", "balloon"), ("🗼", "tower"),
    ("🥁", "drum"), ("🎻", "violin"), ("🎷", "saxophone"), ("🎲", "dice"), ("♟️", "pawn"), ("🧩", "puzzle"), ("🎯", "target"), ("🪁", "kite"),
    ("🪑", "chair"), ("🕯️", "candle"), ("🧺", "basket"), ("🪞", "mirror"), ("🧵", "thread"), ("🔍", "magnifier"), ("🧲", "magnet"), ("🪣", "bucket"),
    ("🧦", "socks"), ("🧤", "gloves"), ("👑", "crown"), ("💍", "ring"), ("🎒", "backpack"), ("🧭", "compass"), ("📯", "horn"), ("🏮", "lantern"),
];

/// How many pictures a code has: 42 bits.
const LENGTH: usize = 7;

/// Pictures that are the same for all who share the epoch, and for nobody else. Each is followed by its name.
pub(crate) fn safety_code(authenticator: &[u8]) -> String {
    let digest =
        Sha256::new().chain_update(b"sourdine call 1 safety code").chain_update(authenticator).finalize();
    let mut bits = digest.iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
    let mut code = Vec::new();
    for _ in 0..LENGTH {
        let (picture, name) = PICTURES[(bits % 64) as usize];
        code.push(format!("{picture} {name}"));
        bits /= 64;
    }
    code.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_apart() {
        let mut names: Vec<_> = PICTURES.iter().map(|(_, name)| name).collect();
        let mut pictures: Vec<_> = PICTURES.iter().map(|(picture, _)| picture).collect();
        names.sort();
        names.dedup();
        pictures.sort();
        pictures.dedup();
        assert_eq!((names.len(), pictures.len()), (64, 64));
    }

    #[test]
    fn codes_follow_the_authenticator() {
        assert_eq!(safety_code(b"one"), safety_code(b"one"));
        assert_ne!(safety_code(b"one"), safety_code(b"two"));
        assert_eq!(safety_code(b"one").split(", ").count(), LENGTH);
    }
}
