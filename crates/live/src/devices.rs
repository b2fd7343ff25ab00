//! `sourdine-live devices`.

use sourdine_live::{DeviceInfo, host_names, open_host};

use crate::args::DevicesArgs;
use crate::output;

pub(crate) fn run(args: &DevicesArgs) -> Result<(), String> {
    let names = match &args.host {
        Some(name) => vec![name.clone()],
        None => host_names(),
    };
    let mut all = Vec::new();
    for name in &names {
        // Of several hosts one may well be absent; the one that was asked for may not.
        match open_host(Some(name)).and_then(|mut host| host.list()) {
            Ok(devices) => all.extend(devices),
            Err(why) if args.host.is_some() => return Err(why),
            Err(why) => output::note(&why),
        }
    }
    if args.json {
        return output::line(&serde_json::to_string(&all).map_err(|e| e.to_string())?);
    }
    if all.is_empty() {
        return Err(format!(
            "no sound devices in {}; plug one in, or start a sound server",
            names.join(", ")
        ));
    }
    let width = all.iter().map(|d| d.id.chars().count()).max().unwrap_or(0);
    for device in all.iter().filter(|d| args.all || d.trouble.is_none()) {
        output::line(&line(device, width))?;
    }
    output::line("(* default; choose by identifier or a part of the name: sourdine-live -i DEVICE -o DEVICE)")
}

fn line(device: &DeviceInfo, width: usize) -> String {
    let star = if device.default { '*' } else { ' ' };
    let stream = match (device.rate, device.channels, &device.format) {
        (Some(rate), Some(channels), Some(format)) => format!("{rate} Hz, {channels} ch, {format}"),
        _ => device.trouble.clone().unwrap_or_default(),
    };
    format!("{star} {:6}  {:width$}  {}  ({stream})", device.direction, device.id, device.name)
}
