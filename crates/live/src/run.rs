//! The main loop of `sourdine-live`, with or without a screen.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use sourdine::{Model, Settings, VadParams};
use sourdine_live::{
    Command, Host, Monotonic, Options, Output, RecordingPaths, Supervisor, VirtualMic, open_host,
};
use sourdine_settings::{Preferences, choose_model, stop_on_signals};

use crate::args::RunArgs;
use crate::output;
use crate::screen::{Screen, UserWants};

/// Interval at which the devices are watched.
const PERIOD: Duration = Duration::from_millis(50);

/// Interval at which `--plain` and `--json` print.
const PRINT_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &RunArgs) -> Result<(), String> {
    let preferences = Preferences::load(args.config.as_deref()).map_err(|e| e.to_string())?;
    let stop = stop_on_signals();
    let host = open_host(args.host.as_deref())?;
    let host_name = host.name();
    let virtual_mic = args.virtual_mic.then(|| VirtualMic::create(&host_name)).transpose()?;
    let options = options(args, &preferences, virtual_mic.as_ref())?;
    let mut supervisor = Supervisor::new(host, Monotonic::new(), options);
    let shown = if args.plain || args.json { None } else { Some(Screen::open(&host_name)?) };
    let result = drive(args, &mut supervisor, shown, virtual_mic.as_ref(), &stop);
    let ended = supervisor.finish().map(|_| ());
    result.and(ended)
}

fn options(
    args: &RunArgs,
    preferences: &Preferences,
    virtual_mic: Option<&VirtualMic>,
) -> Result<Options, String> {
    let default = Model::default().info().name;
    let first =
        choose_model(args.model.as_deref(), preferences, &default).map_err(|error| error.to_string())?;
    let name = first.info().name;
    let mut models = vec![first];
    models.extend(Model::built_in().into_iter().filter(|m| m.info().name != name));
    let lite = Model::sourdine_lite();
    let light = (models[0].info().multiplications > lite.info().multiplications).then_some(lite);
    let output = match (virtual_mic, args.output.as_deref()) {
        (Some(mic), _) => Output::Named(mic.sink().into()),
        (None, Some("none")) if args.record.is_none() => {
            return Err("-o none: the sound would go nowhere; add --record FILE".into());
        }
        (None, Some("none")) => Output::None,
        (None, Some(name)) => Output::Named(name.into()),
        (None, None) => Output::Default,
    };
    let channels = if args.stereo { 2 } else { 1 };
    // Room for every model that the key m may choose.
    let room =
        models.iter().map(|m| if channels == 1 { m.info().latency } else { m.info().linked_latency }).max();
    let defaults = Settings::default();
    let settings = defaults
        .with_attenuation_limit_db(
            args.limit
                .attenuation_limit
                .or(preferences.attenuation_limit_db)
                .unwrap_or(defaults.attenuation_limit_db),
        )
        .with_gate(args.gate.or(preferences.gate).unwrap_or(defaults.gate))
        .with_channels(preferences.channels.unwrap_or(defaults.channels))
        .with_model_latency(room.unwrap_or(0))
        .with_vad(VadParams::HOLDING)
        .with_ceiling(true);
    Ok(Options {
        input: args.input.clone(),
        output,
        channels,
        block_ms: f32::from(args.block),
        margin_ms: f32::from(args.margin),
        settings,
        models,
        light,
        record: args.record.clone().map(|after| RecordingPaths { before: args.record_before.clone(), after }),
    })
}

fn drive(
    args: &RunArgs,
    supervisor: &mut Supervisor<Host, Monotonic>,
    mut screen: Option<Screen>,
    virtual_mic: Option<&VirtualMic>,
    stop: &AtomicBool,
) -> Result<(), String> {
    let began = Instant::now();
    let mut printed = began;
    let (mut told, mut told_failure) = (None, false);
    loop {
        if stop.load(Relaxed) || args.seconds.is_some_and(|s| began.elapsed().as_secs_f64() >= s) {
            return Ok(());
        }
        match virtual_mic.map_or(Ok(true), VirtualMic::is_in_use) {
            Ok(heard) => supervisor.poll(heard)?,
            Err(why) => supervisor.wait(why),
        }
        if let Some(screen) = &mut screen {
            match screen.show(&supervisor.status(), PERIOD)? {
                UserWants::Nothing => {}
                UserWants::Quit => return Ok(()),
                UserWants::Record => supervisor.command(Command::Record(screen.recording_paths())),
                UserWants::Do(command) => supervisor.command(command),
            }
            continue;
        }
        if let Some(why) = supervisor.failure()
            && !std::mem::replace(&mut told_failure, true)
        {
            output::note(&format!("{why}; playback continues"));
        }
        if printed.elapsed() >= PRINT_EVERY {
            printed += PRINT_EVERY;
            let status = supervisor.status();
            if args.json {
                output::line(&serde_json::to_string(&status).map_err(|e| e.to_string())?)?;
            } else {
                if let Some(note) = priority_note(&status)
                    && told.replace(note) != Some(note)
                {
                    output::note(note);
                }
                output::line(&status.line())?;
            }
        }
        std::thread::sleep(PERIOD);
    }
}

/// Returns a note on the audio threads' priorities, if one is needed.
pub(crate) fn priority_note(status: &sourdine_live::Status) -> Option<&'static str> {
    use sourdine_live::Priority::Normal;
    (status.priority.0 == Normal || status.priority.1 == Normal).then_some(
        "the system gave the audio threads no real-time priority; sound may drop out under load \
         (on Linux: allow `rtprio` in /etc/security/limits.conf)",
    )
}
