//! A checked, immutable network from a weights file, format `sourdine-7` (`models/FORMAT.md`).

use super::features::{BINS, FRAME, PHASES};
use super::pitch::LONGEST_PERIOD;
use crate::error::ModelError;
use crate::nn::layers::{Dense, Gru, LANES};
use crate::nn::safetensors::{Container, SIDE_LIMIT, wrong};
use crate::signal::MODEL_FRAME;

/// Bands; each has a level and a gain.
pub(super) const BANDS: usize = 136;

/// Groups of four bands that share layers; each is correlated with the frame one pitch period earlier.
pub(super) const GROUPS: usize = BANDS / 4;

/// Bins from 0 Hz on that a complex filter is applied to. Each is a band of its own.
pub(super) const FILTERED: usize = 32;

/// Groups that these bins lie in, the lowest ones.
pub(super) const FILTERED_GROUPS: usize = FILTERED / 4;

/// Taps of the complex filter: the frame, the frame before, the frame one pitch period earlier.
pub(super) const TAPS: usize = 3;

/// Filter coefficients of one group: tap after tap the real parts of its four bins, then the imaginary parts.
pub(super) const COEFFICIENTS: usize = TAPS * 2 * 4;

/// Features of one group: levels, cosines and sines of its phase advances (0 where there are none), correlation.
pub(super) const GROUP_FEATURES: usize = 13;

/// Hidden units of the GRUs that every group goes through.
pub(super) const UNITS: usize = 16;

/// Outputs of the large GRUs broadcast to one group.
pub(super) const BROADCAST: usize = 8;

/// Inputs of [`Weights::context`]: the features of the group below, of the group itself, of the one above, of the group in the
/// frame before; the pitch period and its periodicity.
pub(super) const CONTEXT: usize = 4 * GROUP_FEATURES + 2;

/// Inputs of [`Weights::mix`]: the encoded group, and what is broadcast to it.
pub(super) const MIX: usize = UNITS + BROADCAST;

/// Inputs of [`Weights::out`] and [`Weights::filter`]: the output of [`Weights::group_out`], the inputs of
/// [`Weights::mix`], the group's features.
pub(super) const OUT: usize = UNITS + MIX + GROUP_FEATURES;

/// The format this build reads.
const FORMAT: &str = "sourdine-7";

/// The network. Shared by any number of streams.
#[derive(Debug)]
pub(super) struct Weights {
    /// Band `b` is the bins `edges[b]..edges[b + 1]`.
    pub(super) edges: Vec<usize>,
    pub(super) mean: Vec<f32>,
    /// Reciprocal standard deviation.
    pub(super) rstd: Vec<f32>,
    pub(super) hidden: usize,
    pub(super) feature_floor: f32,
    /// The least share of a band's gain that the next frame keeps.
    pub(super) decay_limits: Vec<f32>,
    pub(super) leaky_slope: f32,
    /// How much gains between 0 and 1 are lowered further, 0 to 1.
    pub(super) sharpness: f32,
    /// How much the magnitudes of the lowest bins are smoothed over time, 0 to 1.
    pub(super) smoothing: f32,
    /// Strength of the pitch filter where a group correlates fully with one pitch period earlier, 0 to 1.
    pub(super) pitch_filter: f32,
    /// From the features of a group, its neighbours and the frame before.
    pub(super) context: Dense<i16>,
    /// Biases, one set a group.
    pub(super) context_biases: [[f32; UNITS]; GROUPS],
    pub(super) group_in: Gru<i16>,
    /// From all groups to the large GRUs.
    pub(super) gather: Dense,
    pub(super) grus: Vec<Gru>,
    /// From all large layers to the broadcast, then the voice logit.
    pub(super) spread: Dense,
    /// From the encoded group and the broadcast.
    pub(super) mix: Dense<i16>,
    pub(super) mix_biases: [[f32; UNITS]; GROUPS],
    pub(super) group_out: Gru<i16>,
    /// To the logits of a group's four gains, then padding.
    pub(super) out: Dense<i16>,
    pub(super) out_biases: [[f32; 4]; GROUPS],
    /// To the filter coefficients of one of the lowest groups before their tanh, then padding. From the very inputs of `out`.
    pub(super) filter: Dense<i16>,
    pub(super) filter_biases: [[f32; COEFFICIENTS]; FILTERED_GROUPS],
    pub(super) licence: String,
    pub(super) hours: String,
}

impl Weights {
    /// Reads and checks everything.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = Container::parse(bytes)?;
        check_format(&file)?;
        for (key, expected) in [
            ("hop", MODEL_FRAME),
            ("window", FRAME),
            ("phases", PHASES),
            ("filtered", FILTERED),
            ("longest_period", LONGEST_PERIOD),
            ("units", UNITS),
            ("broadcast", BROADCAST),
        ] {
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
        let grus = (1..=layers).map(|n| read_gru(&file, &format!("gru{n}"), hidden));
        Ok(Self {
            edges,
            mean: file.floats("feat_mean", &[BANDS])?,
            rstd: file.floats("feat_rstd", &[BANDS])?,
            hidden,
            feature_floor: between("feature_floor", 1e-20, 1.0)?,
            decay_limits,
            leaky_slope: between("leaky_slope", 0.0, 1.0)?,
            sharpness: between("sharpness", 0.0, 1.0)?,
            smoothing: between("smoothing", 0.0, 1.0)?,
            pitch_filter: between("pitch_filter", 0.0, 1.0)?,
            context: read_shared(&file, "context", UNITS, CONTEXT)?,
            context_biases: read_group_biases(&file, "context")?,
            group_in: read_shared_gru(&file, "group_in")?,
            gather: read_dense(&file, "gather", hidden, GROUPS * UNITS)?,
            grus: grus.collect::<Result<_, _>>()?,
            spread: read_dense(&file, "spread", GROUPS * BROADCAST + 1, (layers + 1) * hidden)?,
            mix: read_shared(&file, "mix", UNITS, MIX)?,
            mix_biases: read_group_biases(&file, "mix")?,
            group_out: read_shared_gru(&file, "group_out")?,
            out: read_shared(&file, "out", 4, OUT)?,
            out_biases: read_group_biases(&file, "out")?,
            filter: read_shared(&file, "filter", COEFFICIENTS, OUT)?,
            filter_biases: read_group_biases(&file, "filter")?,
            licence: file.text("licence")?.into(),
            hours: file.text("hours")?.into(),
        })
    }

    /// The layers that groups share, each with the number of groups that go through it, and the layers for all of them together.
    fn layers(&self) -> ([(&Dense<i16>, usize); 8], impl Iterator<Item = &Dense>) {
        let (before, after) = (&self.group_in, &self.group_out);
        let shared = [
            &self.context,
            &before.input,
            &before.recurrent,
            &self.mix,
            &after.input,
            &after.recurrent,
            &self.out,
        ];
        let [a, b, c, d, e, f, g] = shared.map(|layer| (layer, GROUPS));
        let grus = self.grus.iter().flat_map(|gru| [&gru.input, &gru.recurrent]);
        let shared = [a, b, c, d, e, f, g, (&self.filter, FILTERED_GROUPS)];
        (shared, [&self.gather, &self.spread].into_iter().chain(grus))
    }

    /// The most pairs of codes that a layer takes at once.
    pub(super) fn most_pairs(&self) -> usize {
        let (shared, large) = self.layers();
        let shared = shared.iter().map(|(layer, groups)| groups * layer.pairs);
        shared.chain(large.map(|layer| layer.pairs)).max().unwrap_or(0)
    }

    /// All weights in bytes, as they lie in memory.
    pub(super) fn bytes(&self) -> usize {
        let (shared, large) = self.layers();
        let small = 3 * BANDS + GROUPS * (2 * UNITS + 4) + FILTERED_GROUPS * COEFFICIENTS;
        let dense = shared.iter().map(|(layer, _)| layer.bytes()).chain(large.map(Dense::bytes));
        dense.sum::<usize>() + small * size_of::<f32>()
    }

    /// Multiplications by weights in one frame.
    pub(super) fn multiplications(&self) -> usize {
        let (shared, large) = self.layers();
        let each = shared.iter().map(|(layer, groups)| groups * layer.multiplications());
        each.chain(large.map(Dense::multiplications)).sum()
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
    if edges.iter().take(FILTERED + 1).enumerate().any(|(bin, edge)| bin != *edge) {
        return Err(wrong("bands", format!("the lowest {FILTERED} are not one bin each")));
    }
    Ok(edges)
}

fn read_dense(file: &Container<'_>, name: &str, rows: usize, columns: usize) -> Result<Dense, ModelError> {
    let biases = file.floats(&format!("{name}.b"), &[rows.next_multiple_of(LANES)])?;
    read_rows(file, name, columns, biases.as_chunks::<LANES>().0.to_vec())
}

fn read_gru(file: &Container<'_>, name: &str, width: usize) -> Result<Gru, ModelError> {
    let read = |part: &str| read_dense(file, &format!("{name}_{part}"), 3 * width, width);
    Ok(Gru { input: read("ih")?, recurrent: read("hh")? })
}

/// The GRU that every group goes through.
fn read_shared_gru(file: &Container<'_>, name: &str) -> Result<Gru<i16>, ModelError> {
    let Gru { input, recurrent } = read_gru(file, name, UNITS)?;
    Ok(Gru { input: input.widened(), recurrent: recurrent.widened() })
}

/// A layer that every group goes through, without the groups' biases.
fn read_shared(
    file: &Container<'_>,
    name: &str,
    rows: usize,
    columns: usize,
) -> Result<Dense<i16>, ModelError> {
    Ok(read_rows(file, name, columns, vec![[0.0; LANES]; rows.div_ceil(LANES)])?.widened())
}

fn read_group_biases<const N: usize, const G: usize>(
    file: &Container<'_>,
    name: &str,
) -> Result<[[f32; N]; G], ModelError> {
    let biases = file.floats(&format!("{name}.biases"), &[G, N])?;
    let mut each = biases.as_chunks::<N>().0.iter();
    Ok(std::array::from_fn(|_| each.next().copied().unwrap_or([0.0; N])))
}

/// A dense layer of as many rows as there are biases.
fn read_rows(
    file: &Container<'_>,
    name: &str,
    columns: usize,
    biases: Vec<[f32; LANES]>,
) -> Result<Dense, ModelError> {
    let panels = biases.len();
    let weights = file.panels(&format!("{name}.w_q"), [panels, columns])?;
    let scales = file.floats(&format!("{name}.w_s"), &[panels * LANES])?;
    Ok(Dense::new(columns, &weights, scales.as_chunks::<LANES>().0.to_vec(), biases))
}
