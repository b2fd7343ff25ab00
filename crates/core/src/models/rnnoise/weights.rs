//! RNNoise 0.1's weights in nnnoiseless' binary form.

use crate::error::ModelError;

/// The network's inputs and outputs, which every weights file must have.
const FEATURES: usize = 42;
const BANDS: usize = 22;

/// The number of the sigmoid among the activations.
const SIGMOID: u8 = 1;

/// Walks the six layers and names the first field that is wrong. The file has no magic number: an `i8` dump of
/// inputs, neurons, activation and weights per layer, so this is also what tells other files apart.
pub(super) fn check_layers(bytes: &[u8]) -> Result<(), ModelError> {
    if bytes.starts_with(b"rnnoise-nu model file") {
        return Err(ModelError::Unknown {
            found:
                "RNNoise weights in text form; convert them with nnnoiseless' train/convert_rnnoise.py first"
                    .into(),
        });
    }
    let layers = [
        ("input dense layer", false),
        ("voice GRU", true),
        ("noise GRU", true),
        ("denoise GRU", true),
        ("denoise output layer", false),
        ("voice output layer", false),
    ];
    let mut rest = bytes;
    for (index, (layer, recurrent)) in layers.into_iter().enumerate() {
        let wrong = |problem: String| {
            if index == 0 {
                ModelError::Unknown {
                    found: format!(
                        "{} bytes that are neither weights of Sourdine (.safetensors) nor of RNNoise 0.1",
                        bytes.len()
                    ),
                }
            } else {
                ModelError::Field { field: layer.into(), problem }
            }
        };
        let &[inputs, neurons, activation, ref after @ ..] = rest else {
            return Err(wrong("the file ends before it".into()));
        };
        if inputs == 0 || inputs > 127 || neurons == 0 || neurons > 127 || activation > 2 {
            return Err(wrong(format!("{inputs} inputs, {neurons} neurons, activation {activation}")));
        }
        let (inputs, neurons) = (usize::from(inputs), usize::from(neurons));
        if (index == 0 && inputs != FEATURES)
            || (index == 4 && neurons != BANDS)
            || (index == 5 && neurons != 1)
        {
            return Err(wrong(format!("{inputs} inputs and {neurons} neurons do not fit RNNoise 0.1")));
        }
        // Gains and voice outside 0 to 1 would reach nnnoiseless' inverse transform, which must never see NaN.
        if index >= 4 && activation != SIGMOID {
            return Err(wrong(format!("activation {activation}, where {SIGMOID} (sigmoid) is expected")));
        }
        let weights = if recurrent { 3 * neurons * (inputs + neurons + 1) } else { neurons * (inputs + 1) };
        rest = after.get(weights..).ok_or_else(|| wrong("the file ends within it".into()))?;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(ModelError::Field { field: "end".into(), problem: format!("{} bytes too many", rest.len()) })
    }
}
