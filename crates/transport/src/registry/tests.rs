//! The list of servers on a real file system: the living, the dead, the odd, and many at once.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::listen::tests::TestDirectory;

fn transport(text: &str, role: ServerRole) -> ServerTransport {
    ServerTransport::parse(text, role).unwrap()
}

fn publish(directory: &TestDirectory, role: ServerRole, text: &str) -> Registration {
    Registration::publish_in(directory.path(), role, &transport(text, role), "test 1.0").unwrap()
}

fn all(directory: &TestDirectory) -> Vec<RegisteredServer> {
    let mut found = servers_of(directory.path(), sys::effective_uid()).unwrap();
    sort(&mut found);
    found
}

fn texts(directory: &TestDirectory) -> Vec<String> {
    all(directory).into_iter().map(|server| server.transport).collect()
}

/// The folder of servers, made as a server makes it.
fn folder(directory: &TestDirectory) -> PathBuf {
    let folder = directory.path().join(SUBDIRECTORY);
    pipe_directory::prepare(&folder).unwrap();
    folder
}

fn entry() -> Entry {
    Entry {
        role: ServerRole::ProcessServer,
        transport: "tcp:Port=1".into(),
        hidden: false,
        process: 1,
        since: 2,
        product: "test".into(),
    }
}

/// A file as a server keeps it, with a lock as long as the answer lives.
fn locked(path: &Path, bytes: &[u8], mode: u32) -> File {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let file = File::open(path).unwrap();
    file.try_lock().unwrap();
    file
}

#[test]
fn servers_are_listed_by_kind_as_long_as_they_live() {
    let directory = TestDirectory::new();
    assert_eq!(all(&directory), []);
    let kernel = publish(&directory, ServerRole::KernelConnectionServer, "npipe:pipe=KernelPipe");
    let process = publish(
        &directory,
        ServerRole::ProcessServer,
        "tcp:port=5005,password=sesame,hidden",
    );
    let second = publish(&directory, ServerRole::ProcessServer, "npipe:pipe=AnotherPipe");
    let debugging = publish(&directory, ServerRole::DebuggingServer, "npipe:pipe=MainPipe");
    let found = all(&directory);
    let shown: Vec<_> = found
        .iter()
        .map(|server| (server.role, server.transport.as_str(), server.hidden))
        .collect();
    assert_eq!(
        shown,
        [
            (ServerRole::DebuggingServer, "npipe:Pipe=MainPipe", false),
            (ServerRole::ProcessServer, "npipe:Pipe=AnotherPipe", false),
            (ServerRole::ProcessServer, "tcp:Port=5005,Hidden,Password=*", true),
            (ServerRole::KernelConnectionServer, "npipe:Pipe=KernelPipe", false),
        ]
    );
    for server in &found {
        assert_eq!(server.process.0, std::process::id());
        assert_eq!(
            (server.uid, server.product.as_str()),
            (sys::effective_uid(), "test 1.0")
        );
        assert!(server.since > 0);
    }
    let bytes = fs::read_dir(folder(&directory)).unwrap().flatten().map(|file| {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        fs::read(file.path()).unwrap()
    });
    for bytes in bytes.collect::<Vec<_>>() {
        assert!(
            !bytes.windows(6).any(|window| window == b"sesame"),
            "a password was written"
        );
    }
    drop((process, debugging));
    assert_eq!(texts(&directory), ["npipe:Pipe=AnotherPipe", "npipe:Pipe=KernelPipe"]);
    drop((kernel, second));
    assert_eq!(fs::read_dir(folder(&directory)).unwrap().count(), 0);
}

#[test]
fn what_nobody_could_connect_to_is_not_listed() {
    let directory = TestDirectory::new();
    for (role, text) in [
        (ServerRole::DebuggingServer, "tcp:port=1,clicon=box17"),
        (
            ServerRole::ProcessServer,
            "ssl:proto=tls1,machuser=cert,port=1,clicon=box17",
        ),
        (ServerRole::Repeater, "npipe:pipe=p"),
        (ServerRole::ProcessServer, "stdio:"),
    ] {
        let registration = publish(&directory, role, text);
        assert!(!registration.is_listed(), "{text}");
    }
    assert_eq!(all(&directory), []);
}

#[test]
fn a_port_of_a_range_stands_before_the_ranges_end() {
    let range = transport("tcp:port=53:60", ServerRole::ProcessServer);
    let ServerEndpoint::Tcp { ports, .. } = &range.endpoint else {
        panic!("not tcp")
    };
    let shown = |port| range.with_port(port).with_range(*ports).to_string();
    assert_eq!(shown(53), "tcp:Port=53:60");
    assert_eq!(shown(57), "tcp:Port=57:60");
    assert_eq!(shown(60), "tcp:Port=60");
    let any = Listener::bind(&transport("tcp:port=0", ServerRole::ProcessServer)).unwrap();
    assert_eq!(any.listed_transport(), *any.transport());
}

#[test]
fn dead_servers_are_never_listed() {
    let directory = TestDirectory::new();
    let _alive = publish(&directory, ServerRole::ProcessServer, "npipe:pipe=alive");
    let folder = folder(&directory);
    for name in ["1-dead.server", "2-garbage.server", "3-empty.server"] {
        let bytes = match name {
            "1-dead.server" => entry().encode(),
            "2-garbage.server" => vec![0xff; 100],
            _ => Vec::new(),
        };
        drop(locked(&folder.join(name), &bytes, 0o600));
    }
    assert_eq!(texts(&directory), ["npipe:Pipe=alive"]);
    let left: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // Others may look, and must not tidy up.
    drop(locked(&folder.join("1-dead.server"), &entry().encode(), 0o600));
    let shown = visible_to_root(directory.path(), sys::effective_uid());
    assert_eq!((shown.len(), folder.join("1-dead.server").exists()), (1, true));
}

#[test]
fn what_is_odd_is_neither_listed_nor_touched() {
    let directory = TestDirectory::new();
    let folder = folder(&directory);
    let good = entry().encode();
    let kept = [
        locked(&folder.join("garbage.server"), b"garbage", 0o600),
        locked(&folder.join("empty.server"), b"", 0o600),
        locked(
            &folder.join("huge.server"),
            &[good.clone(), vec![0; 1 << 20]].concat(),
            0o600,
        ),
        locked(&folder.join("open-to-all.server"), &good, 0o644),
        locked(&folder.join("set-user-id.server"), &good, 0o4600),
        locked(&folder.join("other-name.txt"), &good, 0o600),
        locked(&directory.path().join("elsewhere"), &good, 0o600),
    ];
    symlink(directory.path().join("elsewhere"), folder.join("link.server")).unwrap();
    symlink("/nowhere", folder.join("dangling.server")).unwrap();
    symlink("/dev/tty", folder.join("terminal.server")).unwrap();
    fs::create_dir(folder.join("folder.server")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(folder.join("fifo.server"))
        .status();
    assert!(fifo.unwrap().success());
    let unfree = fs::read_dir(&folder).unwrap().count();
    if sys::effective_uid() == 0 {
        let path = folder.join("foreign.server");
        let foreign = locked(&path, &good, 0o600);
        std::os::unix::fs::chown(&path, Some(1), Some(1)).unwrap();
        assert_eq!(texts(&directory), [""; 0]);
        drop(foreign);
        assert_eq!(texts(&directory), [""; 0]);
        fs::remove_file(&path).unwrap();
    }
    let _good = publish(&directory, ServerRole::ProcessServer, "npipe:pipe=good");
    assert_eq!(texts(&directory), ["npipe:Pipe=good"]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), unfree + 1);
    drop(kept);
}

#[test]
fn a_folder_that_others_could_have_prepared_is_refused() {
    let directory = TestDirectory::new();
    let real = TestDirectory::new();
    let _live = publish(&real, ServerRole::ProcessServer, "npipe:pipe=p");
    symlink(real.path().join(SUBDIRECTORY), directory.path().join(SUBDIRECTORY)).unwrap();
    let uid = sys::effective_uid();
    assert!(servers_of(directory.path(), uid).is_err());
    assert_eq!(visible_to_root(directory.path(), uid), []);
    let role = ServerRole::ProcessServer;
    let refused = Registration::publish_in(directory.path(), role, &transport("npipe:pipe=q", role), "test");
    assert!(matches!(refused, Err(RegistryError::Directory(_))));
    // Somebody else's folder is not what its path says.
    assert_eq!(visible_to_root(real.path(), uid + 1), []);
    assert_eq!(visible_to_root(real.path(), uid).len(), 1);
}

#[test]
fn hidden_servers_are_for_their_user_alone() {
    let directory = TestDirectory::new();
    let _hidden = publish(&directory, ServerRole::DebuggingServer, "npipe:pipe=secret,hidden");
    assert_eq!(texts(&directory), ["npipe:Pipe=secret,Hidden"]);
    assert_eq!(visible_to_root(directory.path(), sys::effective_uid()), []);
}

#[test]
fn root_looks_where_users_usually_have_their_directories() {
    let runtime = TestDirectory::new();
    let temporary = TestDirectory::new();
    for name in ["1000", "0", "not-a-number", "70000"] {
        fs::create_dir(runtime.path().join(name)).unwrap();
    }
    for name in ["farsight-1001", "farsight-x", "other-1002", "farsight-4294967296"] {
        fs::create_dir(temporary.path().join(name)).unwrap();
    }
    let found = folder::of_other_users(runtime.path(), temporary.path());
    assert_eq!(
        found,
        [
            (runtime.path().join("1000/farsight"), 1000),
            (runtime.path().join("70000/farsight"), 70000),
            (temporary.path().join("farsight-1001"), 1001),
        ]
    );
    let nowhere = Path::new("/nowhere");
    assert_eq!(folder::of_other_users(nowhere, nowhere), []);
}

#[test]
fn those_that_come_go_and_look_at_once_lose_nobody() {
    let directory = TestDirectory::new();
    let steady = publish(&directory, ServerRole::DebuggingServer, "npipe:pipe=steady");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let lookers = [0, 1].map(|_| {
            scope.spawn(|| {
                let mut looks = 0;
                while !over.load(Ordering::Relaxed) {
                    let shown = texts(&directory);
                    assert_eq!(shown.first().map(String::as_str), Some("npipe:Pipe=steady"));
                    looks += 1;
                }
                looks
            })
        });
        let writers = ["a", "b"].map(|name| {
            let directory = &directory;
            scope.spawn(move || {
                for round in 0..300 {
                    let pipe = format!("npipe:pipe={name}{round}");
                    let registration = publish(directory, ServerRole::ProcessServer, &pipe);
                    let shown = texts(directory);
                    let mine = format!("npipe:Pipe={name}{round}");
                    let others = shown
                        .iter()
                        .filter(|text| text.starts_with(&format!("npipe:Pipe={name}")));
                    // The ones before are gone, this one is there.
                    assert_eq!(others.collect::<Vec<_>>(), [&mine]);
                    drop(registration);
                }
            })
        });
        for writer in writers {
            writer.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        for looker in lookers {
            assert!(looker.join().unwrap() > 0);
        }
    });
    drop(steady);
    assert_eq!(fs::read_dir(folder(&directory)).unwrap().count(), 0);
}

#[test]
fn files_of_other_releases_are_understood() {
    let known = entry();
    assert_eq!(read_entry(&known.encode()), Some(known.clone()));
    let file = |record: &[u8]| [b"farsight server 1\n", record].concat();
    // {0: 1, 1: "tcp:Port=1"}: everything else may be missing.
    let short = file(b"\xa2\x00\x01\x01\x6atcp:Port=1");
    let least = Entry {
        process: 0,
        since: 0,
        product: String::new(),
        ..known.clone()
    };
    assert_eq!(read_entry(&short), Some(least.clone()));
    // {0: 1, 1: "tcp:Port=1", 99: [1]}: what a later release adds is passed over.
    assert_eq!(
        read_entry(&file(b"\xa3\x00\x01\x01\x6atcp:Port=1\x18\x63\x81\x01")),
        Some(least)
    );
    for (what, bytes) in [
        ("no transport", file(b"\xa1\x00\x01")),
        ("an empty transport", file(b"\xa2\x00\x01\x01\x60")),
        ("an unknown kind", file(b"\xa2\x00\x07\x01\x6atcp:Port=1")),
        ("an escape", file(b"\xa2\x00\x01\x01\x6atcp:\x1b[31mP")),
        (
            "a length that is not there",
            file(b"\xa2\x00\x01\x01\x7b\xff\xff\xff\xff\xff\xff\xff\xff"),
        ),
        (
            "another format",
            b"farsight server 2\n\xa2\x00\x01\x01\x6atcp:Port=1".to_vec(),
        ),
    ] {
        assert_eq!(read_entry(&bytes), None, "{what}");
    }
    let whole = known.encode();
    for length in 0..whole.len() {
        assert_eq!(read_entry(&whole[..length]), None, "{length} bytes of {}", whole.len());
    }
}

#[test]
fn long_texts_are_cut_where_they_are_written() {
    let long = Entry {
        transport: "ü".repeat(5000),
        product: "x".repeat(5000),
        ..entry()
    };
    let read = read_entry(&long.encode()).unwrap();
    assert_eq!(
        (read.transport.as_str(), read.product.len()),
        ("ü".repeat(512).as_str(), 1024)
    );
}
