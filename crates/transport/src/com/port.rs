//! Opening a serial port: raw, at any rate, for this program alone.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use serial2::{SerialPort, Settings};

use super::SerialError;
use crate::connection_string::ComPort;
use crate::sys;

/// Processes that are looked at to find who uses a port.
const MOST_PROCESSES: usize = 10_000;

/// A serial port of this machine, which need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    /// Its device.
    pub(crate) path: PathBuf,
}

impl ComPort {
    /// Whether both are one port of this machine, whatever they are called.
    pub fn is_same_as(&self, other: &ComPort) -> bool {
        let (one, other) = (Port::of(self), Port::of(other));
        let identities = one.identity().ok().zip(other.identity().ok());
        one == other || identities.is_some_and(|(one, other)| one == other)
    }
}

impl Port {
    /// The device that a connection string means: `com1` is the first of the machine's own ports.
    pub(crate) fn of(port: &ComPort) -> Port {
        let path = match port {
            ComPort::Number(number) => PathBuf::from(format!("/dev/ttyS{}", number.saturating_sub(1))),
            ComPort::Device(name) => Path::new("/dev").join(name),
        };
        Port { path }
    }

    /// The name that people give it.
    pub(crate) fn name(&self) -> String {
        let short = self.path.strip_prefix("/dev").unwrap_or(&self.path);
        short.display().to_string()
    }

    /// What is the same for all names of one device, and stands in names of files.
    pub(crate) fn identity(&self) -> Result<String, SerialError> {
        let device = self.device()?;
        Ok(format!(
            "{}-{}",
            device >> 8 & 0xFFF,
            (device & 0xFF) | (device >> 12 & 0xFFF00)
        ))
    }

    fn device(&self) -> Result<u64, SerialError> {
        let found = fs::metadata(&self.path).map_err(|source| self.no_such_port(source))?;
        match found.file_type().is_char_device() {
            true => Ok(found.rdev()),
            false => Err(self.not_a_port()),
        }
    }

    /// Opens it. The descriptor does not block; its lock ends with it.
    pub(crate) fn open(&self, baud: u32) -> Result<File, SerialError> {
        let device = self.device()?;
        let settings = |mut settings: Settings| {
            settings.set_raw();
            settings.set_baud_rate(baud)?;
            // The line is there whatever a modem would say.
            settings.as_termios_mut().c_cflag |= libc::CLOCAL | libc::CREAD;
            Ok(settings)
        };
        let port = SerialPort::open(&self.path, |settings: Settings| Ok(settings));
        let mut port = port.map_err(|source| self.cannot_open(source, device))?;
        // Programs of other users and other programs that lock ports are kept out by one of the two.
        let is_ours = sys::lock_descriptor(&port).and_then(|ours| sys::keep_port(&port).map(|()| ours));
        if !is_ours.map_err(|source| self.fault(source))? {
            return Err(self.in_use(device));
        }
        let wanted = port.get_configuration().and_then(settings);
        let wanted = wanted.map_err(|source| self.fault(source))?;
        let set = port
            .set_configuration(&wanted)
            .and_then(|()| port.get_configuration()?.get_baud_rate());
        // A receiver bears a difference of a few parts in a hundred.
        if !set.is_ok_and(|rate| rate.abs_diff(baud) <= baud / 33) {
            return Err(SerialError::Baud {
                port: self.path.clone(),
                baud,
            });
        }
        // What came before somebody was here is of no use.
        let _ = port.discard_buffers();
        Ok(File::from(std::os::fd::OwnedFd::from(port)))
    }

    fn no_such_port(&self, source: io::Error) -> SerialError {
        let port = self.path.clone();
        match source.kind() {
            io::ErrorKind::NotFound => SerialError::NoSuchPort { port, source },
            _ => SerialError::Port { port, source },
        }
    }

    fn not_a_port(&self) -> SerialError {
        SerialError::NotAPort {
            port: self.path.clone(),
        }
    }

    fn fault(&self, source: io::Error) -> SerialError {
        SerialError::Port {
            port: self.path.clone(),
            source,
        }
    }

    fn cannot_open(&self, source: io::Error, device: u64) -> SerialError {
        let port = self.path.clone();
        match source.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => SerialError::NotAllowed {
                port,
                group: group_of(&self.path),
                source,
            },
            Some(libc::EBUSY) => self.in_use(device),
            Some(libc::ENOTTY) => SerialError::NotAPort { port },
            Some(libc::ENXIO | libc::ENODEV) => SerialError::NoSuchPort { port, source },
            _ => SerialError::Port { port, source },
        }
    }

    fn in_use(&self, device: u64) -> SerialError {
        let found = users_of(device);
        let by = match found.is_empty() {
            true => "a program that this user cannot see".to_owned(),
            false => found.join(" and "),
        };
        SerialError::InUse {
            port: self.path.clone(),
            by,
        }
    }
}

/// The name of the group that owns a file, else its number.
fn group_of(path: &Path) -> String {
    let Ok(gid) = fs::metadata(path).map(|found| found.gid()) else {
        return "dialout".to_owned();
    };
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let mut rows = groups.lines().map(|line| line.split(':'));
    let name = rows.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| gid.to_string())
}

/// The processes that have a device open, as far as this user may see, this one apart.
fn users_of(device: u64) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let others = numbers
        .filter(|process| *process != std::process::id())
        .take(MOST_PROCESSES);
    let users = others.filter(|process| {
        let open = fs::read_dir(format!("/proc/{process}/fd"))
            .into_iter()
            .flatten()
            .flatten();
        open.filter_map(|entry| fs::metadata(entry.path()).ok())
            .any(|file| file.file_type().is_char_device() && file.rdev() == device)
    });
    let named = users.map(|process| {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        format!("process {process} ({})", name.trim())
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::sys;

    fn port(name: &str) -> Port {
        Port {
            path: PathBuf::from(name),
        }
    }

    #[test]
    fn names_mean_devices() {
        for (port, path, name) in [
            (ComPort::Number(1), "/dev/ttyS0", "ttyS0"),
            (ComPort::Number(2), "/dev/ttyS1", "ttyS1"),
            (ComPort::Device("ttyUSB0".into()), "/dev/ttyUSB0", "ttyUSB0"),
            (ComPort::Device("/dev/pts/7".into()), "/dev/pts/7", "pts/7"),
        ] {
            let port = Port::of(&port);
            assert_eq!((port.path.to_str(), port.name().as_str()), (Some(path), name));
        }
    }

    #[test]
    fn what_is_no_port_is_named_with_the_cure() {
        for (path, says) in [
            ("/dev/ttyNONE7", "there is no serial port /dev/ttyNONE7 here"),
            ("/dev/null", "/dev/null is not a serial port"),
            ("/etc/passwd", "/etc/passwd is not a serial port"),
        ] {
            let error = port(path).open(9_600).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_port_carries_all_bytes_at_any_rate_and_belongs_to_one() {
        let (mut far, path) = sys::pseudo_terminal().unwrap();
        let port = port(path.to_str().unwrap());
        for baud in [300, 115_200, 250_000, 4_000_000] {
            let mut file = port.open(baud).unwrap();
            let error = port.open(baud).unwrap_err().to_string();
            // This process is not told of itself.
            assert!(
                error.contains("is in use by a program that this user cannot see"),
                "{error}"
            );
            let all: Vec<u8> = (0..=255).collect();
            file.write_all(&all).unwrap();
            let mut came = vec![0; 256];
            far.read_exact(&mut came).unwrap();
            assert_eq!(came, all);
            far.write_all(&all).unwrap();
            let mut came: Vec<u8> = Vec::new();
            while came.len() < 256 {
                sys::poll_readable(&[std::os::fd::AsFd::as_fd(&file)], None).unwrap();
                let mut some = [0; 256];
                let length = file.read(&mut some).unwrap();
                came.extend(&some[..length]);
            }
            assert_eq!(came, all);
            drop(file);
        }
        let identity = port.identity().unwrap();
        assert!(identity.starts_with("136-"), "{identity}");
    }
}
