//! The safetensors container: eight bytes of header length, a JSON header, raw little-endian tensors.
//!
//! Parsed here: the subset of JSON that occurs (an object of objects of strings and whole numbers) takes
//! a page of code, and the `safetensors` crate would add serde, serde_json and hashbrown to a library
//! that needs none of them otherwise. Every length is checked before use; no input makes this panic
//! or allocate more than a few times its own length.

use crate::error::ModelError;

/// The longest header that is read.
const HEADER_LIMIT: usize = 1 << 20;

/// The most tensors and metadata entries.
const ENTRY_LIMIT: usize = 256;

/// The longest side of a tensor.
pub(crate) const SIDE_LIMIT: usize = 4096;

/// Tensors and metadata by name. Borrows the bytes.
pub(crate) struct Container<'a> {
    metadata: Vec<(String, String)>,
    tensors: Vec<Tensor<'a>>,
}

/// One tensor's type, shape and bytes.
struct Tensor<'a> {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    bytes: &'a [u8],
}

pub(crate) fn wrong(field: &str, problem: impl Into<String>) -> ModelError {
    // Text of the file may be quoted here: keep it to one short line.
    let line = |text: String| text.chars().filter(|c| !c.is_control()).take(200).collect();
    ModelError::Field { field: line(field.into()), problem: line(problem.into()) }
}

/// Returns whether the bytes start like a safetensors file.
pub(crate) fn looks_like(bytes: &[u8]) -> bool {
    // A header of less than 16 MiB, and an object that is empty or whose first key follows.
    matches!(bytes, [_, _, _, 0, 0, 0, 0, 0, b'{', b'"' | b'}' | b' ' | b'\n' | b'\r' | b'\t', ..])
}

impl<'a> Container<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(wrong("header", "the file ends within its length"));
        };
        let length = u64::from_le_bytes(*length);
        let length = usize::try_from(length).ok().filter(|l| *l <= HEADER_LIMIT).ok_or_else(|| {
            wrong("header", format!("{length} bytes long, where at most {HEADER_LIMIT} are read"))
        })?;
        let Some((header, data)) = rest.split_at_checked(length) else {
            return Err(wrong("header", "the file ends within it"));
        };
        let header = std::str::from_utf8(header).map_err(|_| wrong("header", "not UTF-8"))?;
        let mut reader = Reader { text: header, at: 0 };
        let mut container = Self { metadata: Vec::new(), tensors: Vec::new() };
        let mut spans = Vec::new();
        reader.object("header", |reader, name| {
            if name == "__metadata__" {
                return reader.object("__metadata__", |reader, key| {
                    let value = reader.string().ok_or_else(|| wrong(&key, "not a string"))?;
                    if container.metadata.iter().any(|(k, _)| *k == key) {
                        return Err(wrong(&key, "twice in the metadata"));
                    }
                    container.metadata.push((key, value));
                    Ok(())
                });
            }
            if container.tensors.iter().any(|t| t.name == name) {
                return Err(wrong(&name, "twice in the header"));
            }
            let (tensor, span) = Tensor::read(reader, name, data)?;
            spans.push((span, container.tensors.len()));
            container.tensors.push(tensor);
            Ok(())
        })?;
        reader.space();
        if reader.at != header.len() {
            return Err(wrong("header", "something after its end"));
        }
        spans.sort_unstable();
        let mut end = 0;
        for ((from, to), index) in spans {
            if from != end {
                let name = &container.tensors[index].name;
                return Err(wrong(name, format!("data_offsets begin at {from}, where {end} is expected")));
            }
            end = to;
        }
        if end != data.len() {
            return Err(wrong("end", format!("{} bytes too many", data.len() - end)));
        }
        Ok(container)
    }

    /// Returns the metadata entry of this name.
    pub(crate) fn text(&self, key: &str) -> Result<&str, ModelError> {
        let found = self.metadata.iter().find(|(k, _)| k == key);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| wrong(key, "missing in the metadata"))
    }

    /// The metadata entry of this name, read as a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, ModelError> {
        let text = self.text(key)?;
        text.parse().map_err(|_| wrong(key, format!("`{text}` is not the number it should be")))
    }

    fn tensor(&self, name: &str, dtype: &str, shape: &[usize]) -> Result<&'a [u8], ModelError> {
        let tensor = self.tensors.iter().find(|t| t.name == name);
        let tensor = tensor.ok_or_else(|| wrong(name, "missing"))?;
        if tensor.dtype != dtype {
            return Err(wrong(name, format!("of type {}, where {dtype} is expected", tensor.dtype)));
        }
        if tensor.shape != shape {
            let problem = format!("of shape {:?}, where {shape:?} is expected", tensor.shape);
            return Err(wrong(name, problem));
        }
        Ok(tensor.bytes)
    }

    /// Returns a tensor of numbers, all finite.
    pub(crate) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (numbers, _) = self.tensor(name, "F32", shape)?.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
        match numbers.iter().position(|x| !x.is_finite()) {
            None => Ok(numbers),
            Some(at) => Err(wrong(name, format!("{} at position {at}", numbers[at]))),
        }
    }

    /// Returns a tensor of bytes whose last side is 16.
    pub(crate) fn panels(&self, name: &str, shape: [usize; 2]) -> Result<Vec<[i8; 16]>, ModelError> {
        let (rows, _) = self.tensor(name, "I8", &[shape[0], shape[1], 16])?.as_chunks::<16>();
        Ok(rows.iter().map(|row| row.map(u8::cast_signed)).collect())
    }
}

impl<'a> Tensor<'a> {
    fn read(
        reader: &mut Reader<'_>,
        name: String,
        data: &'a [u8],
    ) -> Result<(Self, (usize, usize)), ModelError> {
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        reader.object(&name, |reader, key| {
            let read = match key.as_str() {
                "dtype" => reader.string().map(|s| dtype = Some(s)),
                "shape" => reader.numbers().map(|n| shape = Some(n)),
                "data_offsets" => reader.numbers().map(|n| offsets = Some(n)),
                _ => return Err(wrong(&name, format!("has an unknown `{key}`"))),
            };
            read.ok_or_else(|| wrong(&name, format!("its {key} cannot be read")))
        })?;
        let dtype: String = dtype.ok_or_else(|| wrong(&name, "without dtype"))?;
        let shape: Vec<usize> = shape.ok_or_else(|| wrong(&name, "without shape"))?;
        let offsets: Vec<usize> = offsets.ok_or_else(|| wrong(&name, "without data_offsets"))?;
        let element = match dtype.as_str() {
            "I8" | "U8" | "BOOL" => 1,
            "I16" | "U16" | "F16" | "BF16" => 2,
            "I32" | "U32" | "F32" => 4,
            "I64" | "U64" | "F64" => 8,
            _ => return Err(wrong(&name, format!("of unknown type {dtype}"))),
        };
        if let Some(side) = shape.iter().find(|side| **side > SIDE_LIMIT) {
            return Err(wrong(&name, format!("a side of {side}, where at most {SIDE_LIMIT} are read")));
        }
        let size = shape.iter().try_fold(element, |size: usize, side| size.checked_mul(*side));
        let &[from, to] = offsets.as_slice() else {
            return Err(wrong(&name, format!("{} data_offsets, where 2 are expected", offsets.len())));
        };
        let bytes = data.get(from..to).ok_or_else(|| {
            wrong(&name, format!("data_offsets {from} to {to} in {} bytes of data", data.len()))
        })?;
        if size != Some(bytes.len()) {
            return Err(wrong(&name, format!("{} bytes do not fit {dtype} of shape {shape:?}", bytes.len())));
        }
        Ok((Self { name, dtype, shape, bytes }, (from, to)))
    }
}

/// A cursor in the header. Depth is bounded: objects are entered by name, never by what is found.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Takes the next character that is not space, if it is this one.
    fn take(&mut self, wanted: char) -> bool {
        self.space();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    /// An object; `entry` reads each key's value.
    fn object(
        &mut self,
        what: &str,
        mut entry: impl FnMut(&mut Self, String) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let broken = || wrong(what, "not the JSON that is expected");
        if !self.take('{') {
            return Err(broken());
        }
        if self.take('}') {
            return Ok(());
        }
        for _ in 0..ENTRY_LIMIT {
            let key = self.string().ok_or_else(broken)?;
            if !self.take(':') {
                return Err(broken());
            }
            entry(self, key)?;
            if self.take('}') {
                return Ok(());
            }
            if !self.take(',') {
                return Err(broken());
            }
        }
        Err(wrong(what, format!("more than {ENTRY_LIMIT} entries")))
    }

    fn string(&mut self) -> Option<String> {
        if !self.take('"') {
            return None;
        }
        let mut string = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Some(string);
                }
                '\\' => string.push(match chars.next()?.1 {
                    c @ ('"' | '\\' | '/') => c,
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let mut code = 0;
                        for _ in 0..4 {
                            code = code * 16 + chars.next()?.1.to_digit(16)?;
                        }
                        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    _ => return None,
                }),
                c if c.is_control() => return None,
                c => string.push(c),
            }
        }
        None
    }

    /// An array of at most eight whole numbers.
    fn numbers(&mut self) -> Option<Vec<usize>> {
        let mut numbers = Vec::new();
        if !self.take('[') {
            return None;
        }
        if self.take(']') {
            return Some(numbers);
        }
        for _ in 0..8 {
            self.space();
            let rest = self.rest();
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            numbers.push(rest[..digits].parse().ok()?);
            self.at += digits;
            if self.take(']') {
                return Some(numbers);
            }
            if !self.take(',') {
                return None;
            }
        }
        None
    }
}
