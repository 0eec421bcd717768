//! What ssh is given, and what the script does in a shell of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::connection_string::{ClientRole, ClientTransport};

/// A folder that is gone with the test.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Home {
        let path = std::env::temp_dir().join(format!("farsight-ssh-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("bin")).unwrap();
        Home(path)
    }

    /// A program over there that is called like this.
    fn program(&self, name: &str, text: &str) {
        let path = self.0.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a script as the other machine's shell does; answers what came back.
    fn runs(&self, script: &Script<'_>, input: &[u8]) -> (Option<Answer>, String) {
        let mut shell = Command::new("sh")
            .args(["-c", &script.command()])
            .env("HOME", &self.0)
            .env("PATH", format!("{}:/usr/bin:/bin", self.0.join("bin").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut says = shell.stdin.take().unwrap();
        // One that needs nothing does not read.
        let _ = says.write_all(input);
        drop(says);
        let mut heard = Vec::new();
        shell.stdout.take().unwrap().read_to_end(&mut heard).unwrap();
        shell.wait().unwrap();
        (script::answer(&heard), String::from_utf8_lossy(&heard).into_owned())
    }

    fn copy(&self, own: &OwnServer) -> PathBuf {
        self.0.join(own.place())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A server that a shell runs: nothing in an ELF file can be both, so the digest and the place are all that is its own.
fn own() -> OwnServer {
    OwnServer::of_script(&format!(
        "#!/bin/sh\n[ \"$1\" = -version ] && echo 'dbgsrv (farsight {VERSION})' || echo \"copied $*\"\n"
    ))
}

fn server(version: &str) -> String {
    format!("[ \"$1\" = -version ] && echo 'dbgsrv (farsight {version})' || echo \"installed $*\"")
}

fn script(own: Option<&OwnServer>) -> Script<'_> {
    Script { own, pipe: None }
}

#[test]
fn who_logs_in_and_where_cannot_be_taken_for_anything_else() {
    let line = |text: &str, may_ask| {
        let transport = ClientTransport::parse(text, ClientRole::SmartClient).unwrap();
        let crate::ClientEndpoint::Ssh {
            user,
            server,
            port,
            pipe,
        } = &transport.endpoint
        else {
            panic!("{text}")
        };
        let login = Login {
            user: user.as_deref(),
            server,
            port: *port,
            pipe: pipe.as_ref(),
        };
        let command = command(login, Duration::from_secs(7), may_ask, "REMOTE");
        let words: Vec<String> = command
            .get_args()
            .map(|word| word.to_str().unwrap().to_owned())
            .collect();
        words.join(" ")
    };
    let unasked = line("ssh:server=ann@box,port=2222", false);
    assert!(
        unasked.ends_with("-o BatchMode=yes -p 2222 -l ann -- box REMOTE"),
        "{unasked}"
    );
    let asked = line("ssh:server=box", true);
    assert!(
        asked.contains("ConnectTimeout=7") && !asked.contains("BatchMode"),
        "{asked}"
    );
    // Which machines are believed is the user's choice.
    assert!(
        !asked.contains("StrictHostKeyChecking") && !asked.contains("KnownHosts"),
        "{asked}"
    );
    for wrong in [
        "ssh:server=-oProxyCommand=x",
        "ssh:server=ann@-oProxyCommand=x",
        "ssh:server=-l@box",
        "ssh:server=a b@box",
        "ssh:server=ann@box;reboot",
        "ssh:server=$(reboot)@box",
        "ssh:server=ann@box`reboot`",
        "ssh:server=ann@box'",
        "ssh:server=box,pipe=a'b",
        "ssh:server=box,pipe=a\"b",
        "ssh:server=box,port=0",
        "ssh:server=box,password=x",
    ] {
        assert!(
            ClientTransport::parse(wrong, ClientRole::SmartClient).is_err(),
            "{wrong}"
        );
    }
    assert!(ClientTransport::parse("ssh:server=box", ClientRole::DebuggingClient).is_err());
    ClientTransport::parse("ssh:server=box,pipe=p", ClientRole::DebuggingClient).unwrap();
}

#[test]
fn the_script_holds_nothing_that_ends_its_quotation() {
    for own in [None, Some(&own())] {
        let text = script(own).text();
        assert!(!text.contains('\'') && !text.contains('\n'), "{text}");
    }
}

#[test]
fn a_pipe_of_any_name_is_one_word_and_nothing_is_run_for_it() {
    let home = Home::new("pipe");
    home.program(
        "dbgsrv",
        &format!(
            "[ \"$1\" = -version ] && echo 'dbgsrv (farsight {VERSION})' || printf 'farsight-ssh nopipe %s.' \"$@\""
        ),
    );
    for name in ["plain", "$(id)", "`id`", "a;b", "a&b|c>d", "*", "~", "$HOME", "(a)#b!c"] {
        let text = format!("ssh:server=box,pipe={name}");
        let transport = ClientTransport::parse(&text, ClientRole::DebuggingClient).unwrap();
        let crate::ClientEndpoint::Ssh { pipe, .. } = &transport.endpoint else {
            panic!("{text}")
        };
        let script = Script {
            own: None,
            pipe: pipe.as_ref(),
        };
        let (_, heard) = home.runs(&script, b"");
        assert!(heard.contains(&format!("npipe:pipe={name}.")), "{heard}");
    }
}

#[test]
fn a_server_of_this_release_is_run_and_nothing_is_copied() {
    let home = Home::new("there");
    home.program("dbgsrv", &server(VERSION));
    let own = own();
    let (answer, heard) = home.runs(&script(Some(&own)), own.bytes());
    assert_eq!(answer, Some(Answer::Run));
    assert!(heard.ends_with("installed -t stdio:\n"), "{heard}");
    assert!(!home.0.join(".cache").exists());
}

#[test]
fn another_release_gives_way_to_ours_and_serves_where_there_is_none() {
    let home = Home::new("older");
    home.program("dbgsrv", &server("0.0.1"));
    let (answer, heard) = home.runs(&script(None), b"");
    assert_eq!(answer, Some(Answer::Run));
    assert!(heard.ends_with("installed -t stdio:\n"), "{heard}");
    let own = own();
    let (_, heard) = home.runs(&script(Some(&own)), own.bytes());
    assert!(heard.ends_with("copied -t stdio:\n"), "{heard}");
    // Another program of that name is none.
    home.program("dbgsrv", "echo 'Microsoft (R) Windows Process Server'");
    assert_eq!(home.runs(&script(None), b"").0, Some(Answer::None));
}

#[test]
fn a_copy_is_made_once_and_is_nobody_elses_to_write() {
    let home = Home::new("copy");
    let own = own();
    assert_eq!(home.runs(&script(None), b"").0, Some(Answer::None));
    let (answer, heard) = home.runs(&script(Some(&own)), own.bytes());
    assert_eq!(answer, Some(Answer::Need));
    assert!(heard.ends_with("farsight-ssh run\ncopied -t stdio:\n"), "{heard}");
    let copy = home.copy(&own);
    assert_eq!(fs::read(&copy).unwrap(), own.bytes());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&copy), mode(copy.parent().unwrap())), (0o700, 0o700));
    assert_eq!(
        fs::read_dir(copy.parent().unwrap()).unwrap().count(),
        1,
        "a part is left"
    );
    // The second time it is there.
    let (answer, heard) = home.runs(&script(Some(&own)), b"");
    assert_eq!(answer, Some(Answer::Run));
    assert!(heard.ends_with("copied -t stdio:\n"), "{heard}");
}

#[test]
fn what_was_not_put_there_by_us_is_neither_run_nor_replaced() {
    let own = own();
    let other = "#!/bin/sh\necho stolen\n";
    type Prepare = fn(&Path, &str);
    let prepare: &[(&str, Prepare)] = &[
        ("file", |copy, other| fs::write(copy, other).unwrap()),
        ("link", |copy, other| {
            let target = copy.with_file_name("target");
            fs::write(&target, other).unwrap();
            std::os::unix::fs::symlink(target, copy).unwrap();
        }),
        ("nowhere", |copy, _| {
            std::os::unix::fs::symlink("/nowhere", copy).unwrap()
        }),
        ("folder", |copy, _| fs::create_dir(copy).unwrap()),
    ];
    for (name, prepare) in prepare {
        let home = Home::new(name);
        let copy = home.copy(&own);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::set_permissions(copy.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
        prepare(&copy, other);
        let before = fs::read(&copy).ok();
        let (answer, heard) = home.runs(&script(Some(&own)), own.bytes());
        assert_eq!(answer, Some(Answer::Altered(copy.display().to_string())), "{name}");
        assert!(!heard.contains("stolen") && !heard.contains("copied"), "{heard}");
        assert_eq!(fs::read(&copy).ok(), before, "{name}");
    }
}

#[test]
fn a_folder_that_others_may_write_is_not_used() {
    let own = own();
    for mode in [0o770, 0o707, 0o777] {
        let home = Home::new("mode");
        let folder = home.copy(&own).parent().unwrap().to_owned();
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        let (answer, _) = home.runs(&script(Some(&own)), own.bytes());
        assert_eq!(answer, Some(Answer::Unsafe(folder.display().to_string())), "{mode:o}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}

#[test]
fn what_does_not_arrive_whole_is_not_kept() {
    let home = Home::new("short");
    let own = own();
    let wrong = vec![b'x'; own.bytes().len()];
    for input in [&own.bytes()[..own.bytes().len() - 1], &wrong] {
        let (answer, heard) = home.runs(&script(Some(&own)), input);
        assert_eq!(answer, Some(Answer::Need));
        assert!(
            heard.contains("farsight-ssh failed what arrived is not what was sent"),
            "{heard}"
        );
        assert_eq!(fs::read_dir(home.copy(&own).parent().unwrap()).unwrap().count(), 0);
    }
}

#[test]
fn a_server_that_is_for_another_machine_is_not_sent() {
    let home = Home::new("machine");
    home.program("uname", "echo Darwin arm64");
    let own = own();
    let (answer, _) = home.runs(&script(Some(&own)), own.bytes());
    assert_eq!(answer, Some(Answer::Other("Darwin arm64".into())));
    assert!(!home.0.join(".cache").exists());
    assert!(OwnServer::of(b"#!/bin/sh\n".to_vec()).is_err());
}

#[test]
fn answers_are_found_behind_what_a_shell_greets_with() {
    let cases: &[(&[u8], Option<Answer>)] = &[
        (b"", None),
        (b"farsight-ssh run", None),
        (b"farsight-ssh run\n", Some(Answer::Run)),
        (b"Welcome!\nno newlinefarsight-ssh need\n", Some(Answer::Need)),
        (
            b"\xff\xfe\nfarsight-ssh other Linux\x1b[2J armv7l\n",
            Some(Answer::Other("Linux[2J armv7l".into())),
        ),
        (b"farsight-ssh \n", Some(Answer::Failed(String::new()))),
    ];
    for (heard, answer) in cases {
        assert_eq!(script::answer(heard), *answer, "{}", heard.escape_ascii());
    }
}

#[test]
fn the_words_of_ssh_come_with_a_cure_and_without_orders_to_the_terminal() {
    let cases = [
        (
            "@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\r\n",
            "ssh-keygen -R",
        ),
        (
            "No ED25519 host key is known for [127.0.0.1]:1 and you have requested strict checking.\r\nHost key verification failed.",
            "log in once by hand",
        ),
        ("ann@box: Permission denied (publickey).", "ssh-add"),
        (
            "ssh: Could not resolve hostname nowhere: Name or service not known",
            "check the machine's name",
        ),
        (
            "ssh: connect to host box port 22: Connection refused",
            "is sshd running",
        ),
        ("bash: line 1: exec: sh: command not found", "POSIX shell"),
        ("something new", "by hand"),
    ];
    for (said, wanted) in cases {
        let told = words::judge(said).to_string();
        assert!(told.contains(wanted) && !told.contains('\r'), "{told}");
    }
    let told = words::judge("a\x1b]0;owned\x07b\u{202e}c\n").to_string();
    assert!(told.starts_with("a]0;ownedbc; "), "{told}");
    assert!(words::judge(&"x".repeat(100_000)).to_string().len() < 1000);
    assert!(matches!(words::judge(" \r\n"), SshFault::Closed));
}
