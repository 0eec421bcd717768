//! The command line of `dbgsrv`.

use std::time::Duration;

use farsight_transport::{ClientEndpoint, ClientRole, ClientTransport, PipeName, ServerRole, ServerTransport};
use farsight_types::OsPid;

use crate::limits::{Only, ServerLimits};

/// A year: what waits longer waits for ever.
const LONGEST_IDLE: Duration = Duration::from_secs(525_600 * 60);

/// What `-?` prints.
pub const USAGE: &str = "\
dbgsrv: the farsight process server. It does memory, processor and operating system work beside the debuggees, for
debuggers elsewhere (farsight -premote ...). It never starts to debug anything by itself.

usage: dbgsrv -t TRANSPORT [limits]
       dbgsrv -relay npipe:pipe=NAME
       dbgsrv -version | -?

  -t tcp:port=PORT[,server=ADDRESS][,insecure]   listen on a TCP port, on this machine's loopback unless an address
                                                 (or * for all) and 'insecure' are given; PORT may be a range LO:HI,
                                                 and 0 takes any free one
  -t tcp:port=PORT,clicon=CLIENT                 call a client that listens (farsight -premote
                                                 tcp:port=PORT,clicon=SERVER), once; it may be started later
  -t npipe:pipe=NAME                             listen on a Unix socket that only this user can reach
  -t ssl:certuser=NAME,port=PORT                 TLS on a TCP port, -t spipe:certuser=NAME,pipe=NAME on a Unix socket: in
                                                 dbgsrv-tls; NAME.pem and NAME.key are in ~/.config/farsight/certs
  -t stdio:                                      serve one client over standard input and output, as ssh HOST dbgsrv
                                                 does it, and end when it has gone
  -relay npipe:pipe=NAME                         carry standard input and output to the server of this machine that has
                                                 the pipe; farsight does it for ssh:server=HOST,pipe=NAME

limits of what clients may do, whatever they ask for:
  -attach-only                                   attach only: no programs are started and no files written
  -only PID                                      nothing but this process is seen or attached to, no programs are started
                                                 and no files but its images read or written; may be repeated
  -children                                      with -only: nor but the processes that those make
  -readonly                                      look at processes while they run (-pvr), and change nothing
  -idle MINUTES                                  end when no client has been connected for so long

  'hidden' in TRANSPORT keeps the server out of what farsight -QR shows to others than you.

It prints the line that a client pastes, then works silently until it is killed, by a signal or by .endpsrv.
When it ends, however it ends, processes that clients attached to run on and those that they launched are killed.
";

/// What to do.
#[derive(Debug)]
pub enum Invocation {
    /// Listen.
    Serve(Box<Service>),
    /// Carry standard input and output to a server of this machine.
    Relay(PipeName),
    /// Print the usage.
    Help,
    /// Print the release.
    Version,
}

/// A server as the command line describes it.
#[derive(Debug)]
pub struct Service {
    /// Where it listens.
    pub transport: ServerTransport,
    /// What clients may not do.
    pub limits: ServerLimits,
    /// How long it waits for clients.
    pub idle: Option<Duration>,
}

/// Reads the arguments behind the program's name. The error is a text for the user.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Invocation, String> {
    let mut arguments = arguments.into_iter();
    let mut transport = None;
    let mut limits = ServerLimits::default();
    let mut idle = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-?" | "-h" | "-help" | "--help" => return Ok(Invocation::Help),
            "-version" | "--version" => return Ok(Invocation::Version),
            "-t" => {
                let text = arguments
                    .next()
                    .ok_or("-t wants a transport, such as: dbgsrv -t tcp:port=5005")?;
                let parsed = ServerTransport::parse(&text, ServerRole::ProcessServer)
                    .map_err(|error| format!("{error}\n{}", error.caret()))?;
                if parsed.options.role.is_some() {
                    return Err(
                        "role= is for the clients of a debugging server (farsight -server); a process server's \
                                clients own the sessions that they begin"
                            .into(),
                    );
                }
                if transport.replace(parsed).is_some() {
                    return Err("-t was given twice; start a second dbgsrv for a second transport".into());
                }
            }
            "-attach-only" => limits.attach_only = true,
            "-readonly" => limits.read_only = true,
            "-children" => limits.children = true,
            "-only" => limits.only.push(parse_only(arguments.next())?),
            "-idle" => idle = Some(parse_minutes(arguments.next())?),
            "-relay" => return parse_relay(arguments.next()),
            "-c" | "-cs" | "-sifeo" | "-x" | "-pc" => {
                return Err(format!(
                    "this build does not have {argument} yet; launch programs from the client"
                ));
            }
            other => return Err(format!("unknown option '{other}'; dbgsrv -? shows the options")),
        }
    }
    if limits.children && limits.only.is_empty() {
        return Err("-children says more about -only PID, which is missing".into());
    }
    transport
        .map(|transport| {
            Invocation::Serve(Box::new(Service {
                transport,
                limits,
                idle,
            }))
        })
        .ok_or_else(|| "no transport; for example: dbgsrv -t tcp:port=5005 (dbgsrv -? shows more)".into())
}

fn parse_only(text: Option<String>) -> Result<Only, String> {
    let text = text.ok_or("-only wants the id of a process, such as: -only 4711")?;
    let number = text.parse().ok().filter(|number| *number > 0);
    let process = number.ok_or_else(|| format!("-only wants the id of a process, not '{text}'"))?;
    Only::now(OsPid(process)).ok_or_else(|| format!("-only: there is no process {process}"))
}

fn parse_minutes(text: Option<String>) -> Result<Duration, String> {
    let text = text.ok_or("-idle wants a number of minutes, such as: -idle 30")?;
    let time = fraction_of_minutes(&text).filter(|time| !time.is_zero() && *time <= LONGEST_IDLE);
    time.ok_or_else(|| format!("-idle wants a number of minutes, at most 525600, not '{text}'"))
}

/// Minutes with up to six digits behind a point. Numbers with a point would bring much code with them.
fn fraction_of_minutes(text: &str) -> Option<Duration> {
    const PARTS: u64 = 1_000_000;
    let (whole, parts) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| (1..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(parts) {
        return None;
    }
    let parts: u64 = format!("{parts:0<6}").parse().ok()?;
    let minutes = whole.parse::<u64>().ok()? * PARTS + parts;
    Some(Duration::from_micros(minutes * 60))
}

/// Whom `-relay` carries to.
fn parse_relay(text: Option<String>) -> Result<Invocation, String> {
    let text = text.ok_or("-relay wants the pipe of a server, such as: dbgsrv -relay npipe:pipe=NAME")?;
    let transport =
        ClientTransport::parse(&text, ClientRole::Repeater).map_err(|error| format!("{error}\n{}", error.caret()))?;
    match transport.endpoint {
        ClientEndpoint::Pipe { name, server } if server.is_loopback() && transport.credential.is_none() => {
            Ok(Invocation::Relay(name))
        }
        _ => Err("-relay reaches pipes of this machine and needs nothing but the name: -relay npipe:pipe=NAME".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Invocation, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_transport_is_wanted_once() {
        assert!(matches!(parse_words("-t tcp:port=5005"), Ok(Invocation::Serve(_))));
        assert!(parse_words("").unwrap_err().contains("-t tcp:port=5005"));
        assert!(parse_words("-t").unwrap_err().contains("wants a transport"));
        assert!(
            parse_words("-t tcp:port=1 -t tcp:port=2")
                .unwrap_err()
                .contains("twice")
        );
        assert!(parse_words("-t tcp:prot=1").unwrap_err().contains("prot"));
        assert!(parse_words("-q").unwrap_err().contains("'-q'"));
        assert!(parse_words("-c ls").unwrap_err().contains("does not have -c"));
        assert!(matches!(parse_words("-?"), Ok(Invocation::Help)));
        assert!(matches!(parse_words("-relay npipe:pipe=p"), Ok(Invocation::Relay(_))));
        for right in [
            "-attach-only -readonly",
            "-only 1 -only 1 -children",
            "-idle 0.5",
            "-idle 525600",
        ] {
            assert!(parse_words(&format!("-t stdio: {right}")).is_ok(), "{right}");
        }
        for wrong in [
            "-only",
            "-only x",
            "-only 0",
            "-only 4294967295",
            "-only 99999999",
            "-children",
            "-idle",
            "-idle -1",
            "-idle nan",
            "-idle inf",
            "-idle 0",
            "-idle 1e9",
        ] {
            assert!(parse_words(&format!("-t stdio: {wrong}")).is_err(), "{wrong}");
        }
        for wrong in [
            "-relay",
            "-relay tcp:port=1",
            "-relay npipe:pipe=p,server=h",
            "-relay npipe:",
        ] {
            assert!(parse_words(wrong).is_err(), "{wrong}");
        }
    }
}
