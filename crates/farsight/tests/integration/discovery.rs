//! `-QR`: the servers of this machine, as real processes that come, end in every way, and are listed by another program.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, Scratch, proc, programs};

use crate::support::{assert_in_order, premote};

/// A user who has the machine to himself: nobody else's servers are in his directory.
struct User {
    scratch: Scratch,
    dbgsrv: PathBuf,
    farsight: PathBuf,
    uid: Option<u32>,
}

/// Whom root's tests become, for root's own directory is everybody's in this machine's tests.
const NOBODY: u32 = 65534;

impl User {
    fn new() -> User {
        let scratch = Scratch::new();
        let mut user = User {
            dbgsrv: programs::dbgsrv(),
            farsight: programs::farsight(),
            uid: None,
            scratch,
        };
        if uid() == 0 {
            // The programs may lie where nobody else can go.
            user.dbgsrv = user.scratch.copy_of(&user.dbgsrv);
            user.farsight = user.scratch.copy_of(&user.farsight);
            chown(user.scratch.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            user.uid = Some(NOBODY);
        }
        user
    }

    /// A command as this user, whose runtime directory is the scratch folder.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("XDG_RUNTIME_DIR", self.scratch.path());
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
        command
    }

    fn serve(&self, transport: &str) -> DbgSrv {
        let mut command = self.command(&self.dbgsrv);
        command.args(["-t", transport]);
        DbgSrv::spawn(command)
    }

    fn list(&self) -> String {
        let mut command = self.command(&self.farsight);
        command.args(["-QR", "localhost"]);
        listed(command)
    }

    fn folder(&self) -> PathBuf {
        self.scratch.path().join("farsight/servers")
    }
}

/// The user of this process.
fn uid() -> u32 {
    fs::metadata("/proc/self").unwrap().uid()
}

/// What a program that only lists writes, after its good end.
#[track_caller]
fn listed(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// `-QR` as this user, arguments behind it.
fn query(arguments: &[&str]) -> (Option<i32>, String) {
    let mut console = Console::start([&["-QR"], arguments].concat());
    let ended = console.ended(Deadline::usual());
    (ended.code, ended.text)
}

fn lines(servers: &[&str]) -> String {
    let lines: String = servers
        .iter()
        .map(|server| format!("Remote Process Server - {server}\n"))
        .collect();
    match servers {
        [] => "Servers on \\\\localhost:\nNo servers are running.\n".into(),
        _ => format!("Servers on \\\\localhost:\n{lines}"),
    }
}

#[test]
fn the_list_is_right_whatever_way_servers_end() {
    let user = User::new();
    assert_eq!(user.list(), lines(&[]));
    let mut killed = user.serve("npipe:pipe=a-killed");
    let mut terminated = user.serve("npipe:pipe=b-terminated");
    let mut ended = user.serve("npipe:pipe=c-ended");
    let hidden = user.serve("npipe:pipe=d-%d,hidden");
    let tcp = user.serve("tcp:port=0");
    let port = format!("tcp:Port={}", tcp.value("port").unwrap());
    let d = format!("npipe:Pipe=d-{},Hidden", hidden.pid());
    let mut expected = vec![
        "npipe:Pipe=a-killed",
        "npipe:Pipe=b-terminated",
        "npipe:Pipe=c-ended",
        &d,
        &port,
    ];
    assert_eq!(user.list(), lines(&expected));

    killed.kill();
    killed.wait(Deadline::usual());
    expected.remove(0);
    assert_eq!(user.list(), lines(&expected));

    terminated.terminate();
    terminated.wait(Deadline::usual());
    expected.remove(0);
    assert_eq!(user.list(), lines(&expected));

    let mut command = user.command(&user.farsight);
    command.args(premote(ended.connection(), []));
    let mut console = Console::spawn(command);
    console.run_or_end(".endpsrv");
    ended.wait(Deadline::usual());
    expected.remove(0);
    // Looked at before anybody lists: who ends in order cleans up.
    assert_eq!(fs::read_dir(user.folder()).unwrap().count(), expected.len());
    assert_eq!(user.list(), lines(&expected));

    // The dead left nothing, and their names can be had again.
    let _again = user.serve("npipe:pipe=a-killed");
    expected.insert(0, "npipe:Pipe=a-killed");
    assert_eq!(user.list(), lines(&expected));
    assert_eq!(fs::read_dir(user.folder()).unwrap().count(), expected.len());
}

#[test]
fn debugging_servers_come_and_go_with_their_session() {
    let user = User::new();
    let _process = user.serve("npipe:pipe=AnotherPipe");
    let process = "Remote Process Server - npipe:Pipe=AnotherPipe\n";
    let is_listed = |debugging: &[&str]| {
        let debugging: String = debugging
            .iter()
            .map(|server| format!("Debugger Server - {server}\n"))
            .collect();
        assert_eq!(user.list(), format!("Servers on \\\\localhost:\n{debugging}{process}"));
    };
    let start = |transport: &str| {
        let mut command = user.command(&user.farsight);
        command.args(["-server", transport]);
        let mut console = Console::spawn(command);
        console.run(".echo started");
        console
    };
    let mut first = start("npipe:pipe=MainPipe");
    is_listed(&["npipe:Pipe=MainPipe"]);
    first.run(".server npipe:pipe=secret,hidden");
    is_listed(&["npipe:Pipe=MainPipe", "npipe:Pipe=secret,Hidden"]);
    let mut second = start("npipe:pipe=Other");
    is_listed(&["npipe:Pipe=MainPipe", "npipe:Pipe=Other", "npipe:Pipe=secret,Hidden"]);
    first.run(".endsrv 0");
    is_listed(&["npipe:Pipe=Other", "npipe:Pipe=secret,Hidden"]);
    first.quit("q");
    is_listed(&["npipe:Pipe=Other"]);
    second.kill();
    second.ended(Deadline::usual());
    is_listed(&[]);
}

#[test]
fn a_port_out_of_a_range_is_shown_with_the_ranges_end() {
    let user = User::new();
    // Wherever the machine has ports left.
    let probe = user.serve("tcp:port=0");
    let first: u16 = probe.value("port").unwrap().parse().unwrap();
    let last = first.saturating_add(20);
    let server = user.serve(&format!("tcp:port={first}:{last}"));
    let found = server.value("port").unwrap();
    assert_ne!(found, first.to_string());
    assert!(
        user.list()
            .contains(&format!("Remote Process Server - tcp:Port={found}:{last}\n")),
        "{}",
        user.list()
    );
}

#[test]
fn many_that_come_at_once_are_all_there() {
    let user = User::new();
    let names: Vec<String> = (10..22).map(|number| format!("npipe:pipe=many-{number}")).collect();
    let mut servers: Vec<DbgSrv> = std::thread::scope(|scope| {
        let started: Vec<_> = names
            .iter()
            .map(|name| {
                let user = &user;
                scope.spawn(move || {
                    let server = user.serve(name);
                    // Each is there as soon as it says that it listens, whoever looks and comes beside.
                    assert!(user.list().contains(&name.replace("pipe=", "Pipe=")));
                    server
                })
            })
            .collect();
        started.into_iter().map(|started| started.join().unwrap()).collect()
    });
    let mut shown: Vec<String> = names.iter().map(|name| name.replace("pipe=", "Pipe=")).collect();
    for victim in servers.drain(..4) {
        let mut victim = victim;
        victim.kill();
        victim.wait(Deadline::usual());
    }
    shown.drain(..4);
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    assert_eq!(user.list(), lines(&shown));
}

#[test]
fn hostile_files_disturb_nobody() {
    let user = User::new();
    let server = user.serve("npipe:pipe=good");
    let folder = user.folder();
    let good = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    fs::write(folder.join("1-garbage.server"), [0xff; 100]).unwrap();
    fs::write(folder.join("2-huge.server"), vec![b'f'; 8 << 20]).unwrap();
    fs::write(folder.join("3-unreadable.server"), "").unwrap();
    fs::set_permissions(folder.join("3-unreadable.server"), fs::Permissions::from_mode(0o0)).unwrap();
    fs::copy(&good, folder.join("4-copy.server")).unwrap();
    symlink(&good, folder.join("5-link.server")).unwrap();
    symlink("/dev/zero", folder.join("6-endless.server")).unwrap();
    let fifo = Command::new("mkfifo").arg(folder.join("7-fifo.server")).status();
    assert!(fifo.unwrap().success());
    fs::create_dir(folder.join("8-folder.server")).unwrap();
    for file in fs::read_dir(&folder).unwrap().flatten() {
        if let (Some(uid), true) = (user.uid, file.file_type().unwrap().is_file()) {
            chown(file.path(), Some(uid), Some(uid)).unwrap();
        }
    }
    assert_eq!(user.list(), lines(&["npipe:Pipe=good"]));
    drop(server);
    assert_eq!(user.list(), lines(&[]));
}

#[test]
fn a_server_that_cannot_be_listed_serves_all_the_same() {
    let user = User::new();
    let runtime = user.scratch.path().join("farsight");
    fs::create_dir(&runtime).unwrap();
    fs::write(runtime.join("servers"), "").unwrap();
    for path in [runtime.join("servers"), runtime] {
        user.uid.inspect(|uid| chown(&path, Some(*uid), Some(*uid)).unwrap());
    }
    let mut server = user.serve("tcp:port=0");
    let session = server.connect();
    drop(session);
    server.kill();
    server.output().to_end(Deadline::usual());
    let text = server.output().text();
    assert_in_order(&text, &["warning", "-QR", "not a directory"]);

    let mut command = user.command(&user.farsight);
    command.args(["-server", "npipe:pipe=unlisted"]);
    let mut console = Console::spawn(command);
    console.run(".echo started");
    assert!(console.run(".servers").contains("npipe:Pipe=unlisted"));
    assert_in_order(&console.quit("q").text, &["*** WARNING", "-QR", "not a directory"]);
}

#[test]
fn root_sees_the_servers_of_others_but_the_hidden_ones() {
    let user = User::new();
    let Some(uid) = user.uid else {
        // Without root's rights there is nobody else to look at, and nothing is shown of others.
        return assert!(!query(&[]).1.contains("(uid "));
    };
    // A user who is not logged in has a directory below the temporary one.
    let serve = |transport: &str| {
        let mut command = user.command(&user.dbgsrv);
        command
            .env_remove("XDG_RUNTIME_DIR")
            .env("TMPDIR", user.scratch.path())
            .args(["-t", transport]);
        DbgSrv::spawn(command)
    };
    let _servers = [serve("npipe:pipe=theirs"), serve("npipe:pipe=secret,hidden")];
    let mut command = Command::new(programs::farsight());
    command.env("TMPDIR", user.scratch.path()).arg("-QR");
    let text = listed(command);
    assert!(
        text.contains(&format!("Remote Process Server - npipe:Pipe=theirs (uid {uid})\n")),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
    // And nobody sees what is root's.
    let _roots = DbgSrv::start_with(&["-t", &format!("npipe:pipe=roots-{}", std::process::id())]);
    assert_eq!(user.list(), lines(&[]));
}

#[test]
fn a_session_process_that_outlives_its_server_does_not_keep_it_in_the_list() {
    let mut server = DbgSrv::start_on_pipe();
    let pipe = format!("npipe:Pipe={}\n", server.value("pipe").unwrap());
    let mut debuggee = Debuggee::start("counter", &["1"]);
    let mut console = Console::start(premote(server.connection(), ["-p", &debuggee.pid().to_string()]));
    console.run(".echo attached");
    assert!(query(&[]).1.contains(&pipe));
    let [session] = server.sessions()[..] else {
        panic!("one session process is expected")
    };
    console.run_or_end(".abandon");
    server.kill();
    server.wait(Deadline::usual());
    // It keeps the debuggee, and so runs on; the listener's lock was never its.
    assert!(proc::alive(session));
    assert!(!query(&[]).1.contains(&pipe));
    let mut taken = Console::start(["-pe", "-p", &debuggee.pid().to_string()]);
    taken.run(".echo taken");
    taken.quit("qd");
    crate::support::assert_runs_clean(&mut debuggee, "counter");
}

#[test]
fn only_this_machine_can_be_asked() {
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let own = own.trim();
    for (given, shown) in [
        ("", own),
        ("localhost", "localhost"),
        (r"\\localhost", "localhost"),
        (own, own),
        ("127.0.0.1", "127.0.0.1"),
    ] {
        let arguments: &[&str] = if given.is_empty() { &[] } else { &[given] };
        let (code, text) = query(arguments);
        assert!(
            text.starts_with(&format!("Servers on \\\\{shown}:\n")),
            "{given}: {text}"
        );
        assert_eq!(code, Some(0), "{given}");
    }
    let (code, text) = query(&[r"\\no-such-machine.invalid"]);
    assert_eq!(code, Some(3), "{text}");
    assert_in_order(
        &text,
        &[
            "no-such-machine.invalid",
            "another",
            "ssh no-such-machine.invalid farsight -QR",
        ],
    );
    let (code, text) = query(&["-g"]);
    assert_eq!((code, text.contains("-QR takes nothing")), (Some(2), true), "{text}");
}
