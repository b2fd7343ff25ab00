//! A checked, immutable network from a weights file, format `sourdine-3` (`models/FORMAT.md`).

use super::container::{Container, SIDE_LIMIT, wrong};
use super::layers::{Dense, Gru, LANES, Local};
use crate::dsp::stft::{BINS, EARLIEST, PHASES, WINDOW};
use crate::error::ModelError;
use crate::signal::MODEL_FRAME;

/// Bands, of which each has a feature and a gain.
pub(crate) const BANDS: usize = 136;

/// Groups of four bands, which are compared with the sound one period earlier.
pub(crate) const GROUPS: usize = BANDS / 4;

/// What the network hears of a frame: the bands' levels, cosines and sines of the low bins' phase advances, the groups'
/// likeness to one period earlier, the period, and how likely it is.
pub(crate) const INPUTS: usize = BANDS + 2 * PHASES + GROUPS + 2;

/// The format this build reads.
const FORMAT: &str = "sourdine-3";

/// The network. Shared by any number of streams.
#[derive(Debug)]
pub(crate) struct Weights {
    /// Band `b` is the bins `edges[b]..edges[b + 1]`.
    pub(crate) edges: Vec<usize>,
    pub(crate) mean: Vec<f32>,
    /// Reciprocal standard deviation.
    pub(crate) rstd: Vec<f32>,
    pub(crate) hidden: usize,
    pub(crate) feature_floor: f32,
    /// How much of a band's gain the next frame keeps at least.
    pub(crate) decay_limits: Vec<f32>,
    pub(crate) leaky_slope: f32,
    /// How much gains between 0 and 1 are lowered further, 0 to 1.
    pub(crate) sharpness: f32,
    /// How much of the sound one period earlier is added where both are alike, 0 to 1.
    pub(crate) comb: f32,
    pub(crate) conv: Dense,
    pub(crate) grus: Vec<Gru>,
    pub(crate) out: Dense,
    pub(crate) local: Local,
    pub(crate) licence: String,
    pub(crate) hours: String,
}

impl Weights {
    /// Reads and checks everything.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = Container::parse(bytes)?;
        check_format(&file)?;
        for (key, expected) in
            [("hop", MODEL_FRAME), ("window", WINDOW), ("phases", PHASES), ("longest_period", EARLIEST)]
        {
            let got: usize = file.number(key)?;
            if got != expected {
                return Err(wrong(key, format!("{got}, where {expected} is expected")));
            }
        }
        let edges = read_edges(file.text("bands")?)?;
        let layers: usize = file.number("layers")?;
        if !(1..=4).contains(&layers) {
            return Err(wrong("layers", format!("{layers}, where 1 to 4 are read")));
        }
        let hidden: usize = file.number("hidden")?;
        let most = SIDE_LIMIT / (layers + 1).max(3);
        if hidden == 0 || !hidden.is_multiple_of(LANES) || hidden > most {
            return Err(wrong("hidden", format!("{hidden}, where multiples of 16 up to {most} are read")));
        }
        let between = |key: &str, least: f32, most: f32| {
            let got: f32 = file.number(key)?;
            let fits = got >= least && got <= most;
            if fits { Ok(got) } else { Err(wrong(key, format!("{got}, not within {least} to {most}"))) }
        };
        let decay_limits = file.floats("decay_limit", &[BANDS])?;
        if let Some(limit) = decay_limits.iter().find(|limit| !(0.0..=0.99).contains(*limit)) {
            return Err(wrong("decay_limit", format!("{limit}, not within 0 to 0.99")));
        }
        let grus = (1..=layers)
            .map(|n| {
                Ok(Gru {
                    input: read_dense(&file, &format!("gru{n}_ih"), 3 * hidden, hidden)?,
                    memory: read_dense(&file, &format!("gru{n}_hh"), 3 * hidden, hidden)?,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        Ok(Self {
            edges,
            mean: file.floats("feat_mean", &[BANDS])?,
            rstd: file.floats("feat_rstd", &[BANDS])?,
            hidden,
            feature_floor: between("feature_floor", 1e-20, 1.0)?,
            decay_limits,
            leaky_slope: between("leaky_slope", 0.0, 1.0)?,
            sharpness: between("sharpness", 0.0, 1.0)?,
            comb: between("comb", 0.0, 1.0)?,
            conv: read_dense(&file, "conv", hidden, 3 * INPUTS)?,
            grus,
            out: read_dense(&file, "out", BANDS + 1, (layers + 1) * hidden)?,
            local: read_local(&file)?,
            licence: file.text("licence")?.into(),
            hours: file.text("hours")?.into(),
        })
    }

    fn dense_layers(&self) -> impl Iterator<Item = &Dense> {
        let grus = self.grus.iter().flat_map(|gru| [&gru.input, &gru.memory]);
        [&self.conv, &self.out].into_iter().chain(grus)
    }

    /// The most pairs of columns of any dense layer.
    pub(crate) fn widest_pairs(&self) -> usize {
        self.dense_layers().map(|layer| layer.pairs).max().unwrap_or(0)
    }

    /// All weights in bytes, as they lie in memory.
    pub(crate) fn bytes(&self) -> usize {
        let small = 3 * BANDS + 4 * 5 + 4 + 4 * BANDS;
        self.dense_layers().map(Dense::bytes).sum::<usize>() + small * size_of::<f32>()
    }

    /// Multiplications by weights in one frame.
    pub(crate) fn multiplications(&self) -> usize {
        self.dense_layers().map(Dense::multiplications).sum::<usize>() + BANDS * (4 * 5 + 4)
    }
}

fn check_format(file: &Container<'_>) -> Result<(), ModelError> {
    match file.text("format") {
        Ok(FORMAT) => Ok(()),
        Ok(other) if other.starts_with("sourdine-") => {
            Err(wrong("format", format!("`{other}`, where this build reads `{FORMAT}`")))
        }
        _ => Err(ModelError::Unknown {
            found: "a safetensors file that does not say it holds a Sourdine model".into(),
        }),
    }
}

fn read_edges(text: &str) -> Result<Vec<usize>, ModelError> {
    let edges: Vec<usize> = text
        .split(',')
        .take(BANDS + 2)
        .map(|edge| edge.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("bands", "not whole numbers separated by commas"))?;
    if edges.len() != BANDS + 1 {
        return Err(wrong("bands", format!("not {} edges", BANDS + 1)));
    }
    if edges.first() != Some(&0) || edges.last() != Some(&BINS) || !edges.is_sorted_by(|a, b| a < b) {
        return Err(wrong("bands", format!("the edges do not rise from 0 to {BINS}")));
    }
    Ok(edges)
}

fn read_dense(file: &Container<'_>, name: &str, rows: usize, columns: usize) -> Result<Dense, ModelError> {
    let panels = rows.div_ceil(LANES);
    let per_row = |part: &str| {
        let numbers = file.floats(&format!("{name}.{part}"), &[panels * LANES])?;
        Ok::<_, ModelError>(numbers.as_chunks::<LANES>().0.to_vec())
    };
    let weights = file.panels(&format!("{name}.w_q"), [panels, columns])?;
    Ok(Dense::new(columns, &weights, per_row("w_s")?, per_row("b")?))
}

fn read_local(file: &Container<'_>) -> Result<Local, ModelError> {
    let filters = file.floats("local.conv_w", &[4, 5])?;
    let biases = file.floats("local.conv_b", &[4])?;
    let weights = file.floats("local.out_w", &[BANDS, 4])?;
    Ok(Local {
        filters: std::array::from_fn(|k| std::array::from_fn(|j| filters[5 * k + j])),
        biases: std::array::from_fn(|k| biases[k]),
        weights: std::array::from_fn(|k| weights.iter().skip(k).step_by(4).copied().collect()),
    })
}
