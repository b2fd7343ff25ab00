//! The virtual microphone in the server: a null sink that we play into, and a source that gives its monitor.
//!
//! Its name is the same at every start, so that call programs find what they were told to use; only a second one at the
//! same time has a number. Who owns which is written in the properties of our connections, which end with their process,
//! even a killed one: modules without an owner are taken over as they are, together with whoever records from them.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::time::Duration;

use pulseaudio::protocol::{
    ClientInfoList, Command, GetSourceInfo, LoadModuleParams, ModuleInfoList, MoveStreamParams, Props,
    ServerInfo, SourceInfo, SourceOutputInfoList, SubscriptionMask,
};

use super::connection::{Connection, Failure, is_absent};

/// The sink; its source has `_mic` added, and a second instance a number.
const NAME: &str = "sourdine_live";

/// The property of a connection that says which sink it owns.
const OWNS: &CStr = c"sourdine.microphone";

/// More instances than are ever needed.
const MOST: u32 = 99;

pub(crate) struct Microphone {
    connection: Connection,
    name: String,
    /// The server's number for the source.
    source: u32,
    /// Those who record from the source, by the server's numbers.
    readers: BTreeSet<u32>,
}

impl Microphone {
    /// Makes it under the first name that is free.
    pub(crate) fn create() -> Result<Self, Failure> {
        let mut connection = Connection::open()?;
        for number in 1..=MOST {
            let name = if number == 1 { NAME.to_owned() } else { format!("{NAME}_{number}") };
            if claim(&mut connection, &name)? {
                let readers = recall(&mut connection, &name);
                return Self::make(connection, name, readers);
            }
        }
        Err("there are too many virtual microphones already".into())
    }

    /// Makes it again, on a new connection.
    pub(crate) fn restore(&mut self) -> Result<(), Failure> {
        // While the old connection is open, if it is, the name is its.
        self.connection.close();
        let mut connection = Connection::open()?;
        if !claim(&mut connection, &self.name)? {
            return Err(format!("another program has taken the name {}", self.name).into());
        }
        *self = Self::make(connection, self.name.clone(), BTreeSet::new())?;
        Ok(())
    }

    fn make(mut connection: Connection, name: String, readers: BTreeSet<u32>) -> Result<Self, Failure> {
        connection.subscribe(SubscriptionMask::SOURCE | SubscriptionMask::SOURCE_OUTPUT)?;
        let mut microphone = Self { connection, name, source: 0, readers };
        microphone.load()?;
        microphone.look()?;
        Ok(microphone)
    }

    /// The sink to play into.
    pub(crate) fn sink(&self) -> &str {
        &self.name
    }

    /// Returns whether a program records from it.
    pub(crate) fn is_read(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Waits for the server's events, `longest` at most, and does what they ask for. Returns whether a program records.
    pub(crate) fn follow(&mut self, longest: Duration) -> Result<bool, Failure> {
        if self.connection.wait(longest)? {
            self.look()?;
        }
        Ok(self.is_read())
    }

    /// Removes it and remembers who records from it for the next start.
    pub(crate) fn remove(mut self) {
        // Only a convenience is lost.
        let _ = self.remember();
        for module in self.modules().unwrap_or_default().into_iter().rev().flatten() {
            // A server that is gone has taken its modules with it.
            let _ = self.connection.tell(&Command::UnloadModule(module));
        }
    }

    /// Looks up who records; makes the source again if it was removed.
    fn look(&mut self) -> Result<(), Failure> {
        if self.connection.ask::<SourceInfo>(&by_name(&self.source_name())?).is_err_and(|e| is_absent(&e)) {
            self.load()?;
        }
        let all: SourceOutputInfoList = self.connection.ask(&Command::GetSourceOutputInfoList)?;
        let ours = all.iter().filter(|reader| reader.source_index == self.source);
        self.readers = ours.map(|reader| reader.index).collect();
        Ok(())
    }

    /// Loads the modules that are not there, and takes back the readers that the server has moved elsewhere.
    fn load(&mut self) -> Result<(), Failure> {
        let [sink, source] = self.modules()?;
        let label = self.name.trim_start_matches(NAME).replace('_', "-");
        if sink.is_none() {
            let arguments = format!(
                "sink_name={} rate=48000 channels=1 sink_properties=device.description=Sourdine{label}-playback",
                self.name
            );
            self.load_module("module-null-sink", arguments)?;
        }
        if source.is_none() {
            let arguments = format!(
                "source_name={} master={}.monitor channels=1 source_properties=device.description=Sourdine{label}",
                self.source_name(),
                self.name
            );
            self.load_module("module-remap-source", arguments)?;
        }
        self.source = self.connection.ask::<SourceInfo>(&by_name(&self.source_name())?)?.index;
        for reader in &self.readers {
            let (index, device_index) = (Some(*reader), Some(self.source));
            let params = MoveStreamParams { index, device_index, device_name: None };
            // It may have ended, or be one that is not to be moved.
            if let Err(why) = self.connection.tell(&Command::MoveSourceOutput(params))
                && !super::is_answer(&why)
            {
                return Err(why);
            }
        }
        Ok(())
    }

    fn load_module(&mut self, name: &str, arguments: String) -> Result<(), Failure> {
        let params =
            LoadModuleParams { name: CString::new(name)?, arguments: Some(CString::new(arguments)?) };
        let loaded = self.connection.tell(&Command::LoadModule(params));
        loaded.map(drop).map_err(|why| format!("the server does not load {name}: {why}").into())
    }

    /// Our modules: the sink's and the source's.
    fn modules(&mut self) -> Result<[Option<u32>; 2], Failure> {
        let all: ModuleInfoList = self.connection.ask(&Command::GetModuleInfoList)?;
        let find = |argument: String| {
            let has = |arguments: &CString| {
                arguments.to_string_lossy().split_whitespace().any(|word| word == argument)
            };
            all.iter().find(|module| module.argument.as_ref().is_some_and(has)).map(|module| module.index)
        };
        Ok([find(format!("sink_name={}", self.name)), find(format!("source_name={}", self.source_name()))])
    }

    fn source_name(&self) -> String {
        format!("{}_mic", self.name)
    }

    /// Writes down who records, for [`recall`].
    fn remember(&mut self) -> Result<(), Failure> {
        let Some(path) = notes(&self.name) else { return Ok(()) };
        if self.readers.is_empty() {
            return Ok(());
        }
        let server: ServerInfo = self.connection.ask(&Command::GetServerInfo)?;
        let mut lines = vec![server.cookie.to_string()];
        lines.extend(self.readers.iter().map(u32::to_string));
        Ok(std::fs::write(path, lines.join("\n"))?)
    }
}

/// Lists who recorded when the microphone was last removed: the server has moved them to another one since. Empty where the
/// server is not the same any more, since its numbers then are for others.
fn recall(connection: &mut Connection, name: &str) -> BTreeSet<u32> {
    let Some(text) = notes(name).and_then(|path| {
        let text = std::fs::read_to_string(&path).ok()?;
        std::fs::remove_file(path).ok()?;
        Some(text)
    }) else {
        return BTreeSet::new();
    };
    let mut numbers = text.lines().map_while(|line| line.parse::<u32>().ok());
    let server = connection.ask::<ServerInfo>(&Command::GetServerInfo);
    if server.is_ok_and(|server| Some(server.cookie) == numbers.next()) {
        numbers.collect()
    } else {
        BTreeSet::new()
    }
}

/// The file that the readers of a microphone are written to; it ends with the user's session, as the server does.
fn notes(name: &str) -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?).join(format!("{name}.readers")))
}

/// Claims the sink in our connection's properties, if no other connection does. Returns whether it is ours.
fn claim(connection: &mut Connection, name: &str) -> Result<bool, Failure> {
    let value = CString::new(name)?;
    if claims(connection, &value)?.next().is_some() {
        return Ok(false);
    }
    let mut properties = Props::new();
    properties.set_bytes(OWNS, value.as_bytes_with_nul());
    connection.introduce(properties)?;
    // Of two that did so at the same moment, the older one has it.
    let we = connection.client();
    Ok(!claims(connection, &value)?.any(|other| other < we))
}

/// The other connections that say the sink is theirs.
fn claims(connection: &mut Connection, name: &CStr) -> Result<impl Iterator<Item = u32>, Failure> {
    let clients: ClientInfoList = connection.ask(&Command::GetClientInfoList)?;
    let we = connection.client();
    let name = name.to_bytes_with_nul().to_owned();
    Ok(clients
        .into_iter()
        .filter(move |client| client.index != we && client.props.get_bytes(OWNS) == Some(&name[..]))
        .map(|client| client.index))
}

fn by_name(source: &str) -> Result<Command, Failure> {
    Ok(Command::GetSourceInfo(GetSourceInfo { index: None, name: Some(CString::new(source)?) }))
}
