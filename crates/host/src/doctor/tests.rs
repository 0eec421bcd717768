//! The checks on machines that are made up.

use std::fs;
use std::path::{Path, PathBuf};

use farsight_serve::probe::Probe;

use super::*;

/// A machine of files that is gone with the test.
struct Made {
    facts: Facts,
    root: PathBuf,
}

impl Made {
    /// A machine on which everything is well.
    fn well(name: &str) -> Made {
        let root = std::env::temp_dir().join(format!("farsight-doctor-{name}-{}", std::process::id()));
        let runtime = root.join("run");
        fs::create_dir_all(&runtime).unwrap();
        private(&runtime, 0o700);
        let user = farsight_transport::sys::effective_uid();
        let facts = Facts {
            root: root.clone(),
            home: Some(root.join("home")),
            architecture: "x86_64".into(),
            user,
            runtime: Ok(runtime),
            loopback: [Ok(()), Ok(())],
            server: Some((
                PathBuf::from("/opt/dbgsrv"),
                Ok(format!("dbgsrv ({})", farsight_serve::PRODUCT)),
            )),
            ssh: Some("OpenSSH_9.9".into()),
            probe: Probe {
                debugs: Ok(()),
                hardware: Some(Ok(())),
            },
        };
        let made = Made { facts, root };
        made.put("proc/sys/kernel/osrelease", "6.12.1-generic");
        made.put("proc/sys/kernel/yama/ptrace_scope", "0");
        made.put("proc/sys/kernel/core_pattern", "core");
        made.put(
            "proc/self/status",
            "Name:\tfarsight\nSeccomp:\t0\nCapEff:\t0\nCapBnd:\tffffffffff\nNSpid:\t7",
        );
        made.put("proc/self/uid_map", "         0          0 4294967295");
        made.put(
            "proc/self/mounts",
            "/dev/root / ext4 rw 0 0\nproc /proc proc rw,nosuid 0 0",
        );
        made.put(
            "proc/self/limits",
            "Max open files            1024                 4096                 files",
        );
        made.put("proc/1/cgroup", "0::/init.scope");
        made.put(
            "proc/4711/status",
            &format!("Name:\tserver\nState:\tS (sleeping)\nTgid:\t4711\nTracerPid:\t0\nUid:\t{user}\t{user}\t{user}\t{user}\nVmSize:\t1 kB"),
        );
        made.put("proc/4711/stat", "");
        made.put("proc/4711/mem", "");
        made
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Changes a field of a status file.
    fn set(&self, id: &str, field: &str, value: &str) {
        let path = format!("proc/{id}/status");
        let text = self.facts.text(&path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(&format!("{field}:")));
        let kept = lines.collect::<Vec<_>>().join("\n");
        self.put(&path, &format!("{kept}\n{field}:\t{value}"));
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = checks::machine(&self.facts);
        findings.extend(checks::tried(&self.facts));
        findings.extend(checks::programs(&self.facts));
        findings.extend(process::check(&self.facts, OsPid(4711)));
        findings
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn nothing_is_found_on_a_machine_that_is_well() {
    let made = Made::well("well");
    let findings = made.findings();
    for finding in &findings {
        // Tests may run as root, who has less here than root usually has.
        let is_root = made.facts.user == 0 && finding.what == "capabilities";
        assert!(finding.verdict == Verdict::Ok || is_root, "{finding:?}");
    }
    let text = table(&findings);
    assert!(text.contains("ok    ptrace_scope"), "{text}");
}

type Change = fn(&mut Made);

#[test]
fn each_trouble_is_found_and_has_a_cure() {
    use Verdict::{Fail, Ok as Well, Warn};
    const PTRACE: &str = "0000000000080000";
    let cases: &[(&str, Verdict, &str, Change)] = &[
        ("kernel", Fail, "3.4 or later", |made| {
            made.put("proc/sys/kernel/osrelease", "2.6.32")
        }),
        ("kernel", Warn, "5.3 or later", |made| {
            made.put("proc/sys/kernel/osrelease", "4.4.0-1")
        }),
        ("kernel", Fail, "3.4 or later", |made| {
            made.put("proc/sys/kernel/osrelease", "")
        }),
        ("kernel", Fail, "x86_64", |made| {
            made.facts.architecture = "riscv64".into()
        }),
        ("ptrace_scope", Warn, "sysctl", |made| {
            made.put("proc/sys/kernel/yama/ptrace_scope", "1")
        }),
        ("ptrace_scope", Fail, "sysctl", |made| {
            made.put("proc/sys/kernel/yama/ptrace_scope", "2")
        }),
        ("ptrace_scope", Fail, "restart", |made| {
            made.put("proc/sys/kernel/yama/ptrace_scope", "3")
        }),
        ("ptrace_scope", Warn, "", |made| {
            made.put("proc/sys/kernel/yama/ptrace_scope", "nonsense")
        }),
        ("ptrace_scope", Well, "", |made| {
            made.put("proc/sys/kernel/yama/ptrace_scope", "2");
            made.set("self", "CapEff", PTRACE);
        }),
        ("capabilities", Warn, "--cap-add=SYS_PTRACE", |made| made.facts.user = 0),
        ("capabilities", Warn, "--cap-add=SYS_PTRACE", |made| {
            made.facts.user = 1000;
            made.set("self", "CapBnd", "0");
        }),
        ("capabilities", Well, "", |made| made.set("self", "CapEff", PTRACE)),
        ("seccomp", Well, "", |made| made.set("self", "Seccomp", "2")),
        ("seccomp", Fail, "seccomp=unconfined", |made| {
            made.set("self", "Seccomp", "2");
            made.facts.probe.debugs = Err("EPERM".into());
        }),
        ("container", Warn, "--pid=host", |made| made.put(".dockerenv", "")),
        ("container", Warn, "--pid=host", |made| {
            made.put("proc/1/cgroup", "0::/kubepods/pod1")
        }),
        ("container", Warn, "--pid=host", |made| {
            made.set("self", "NSpid", "4711\t7")
        }),
        ("user namespace", Warn, "outside", |made| {
            made.put("proc/self/uid_map", "0 1000 1")
        }),
        ("/proc", Warn, "gid=", |made| {
            made.put("proc/self/mounts", "proc /proc proc rw,hidepid=2 0 0")
        }),
        ("/proc", Warn, "gid=", |made| {
            made.put("proc/self/mounts", "proc /proc proc rw,hidepid=invisible 0 0")
        }),
        ("/proc", Well, "", |made| {
            made.put("proc/self/mounts", "proc /proc proc rw,hidepid=0 0 0")
        }),
        ("runtime directory", Fail, "chmod 700", |made| {
            private(&made.root.join("run"), 0o750)
        }),
        ("runtime directory", Fail, "make it", |made| {
            fs::remove_dir(made.root.join("run")).unwrap()
        }),
        ("runtime directory", Fail, "mend", |made| {
            made.facts.runtime = Err("it belongs to uid 7".into())
        }),
        ("ports", Warn, "ip link set lo up", |made| {
            made.facts.loopback[0] = Err("no".into())
        }),
        ("ports", Well, "", |made| made.facts.loopback[1] = Err("no IPv6".into())),
        ("home directory", Warn, "set it", |made| made.facts.home = None),
        ("home directory", Warn, "in the PATH", |made| {
            let home = made.root.join("home");
            let mounts = format!(
                "x / ext4 rw 0 0\nproc /proc proc rw 0 0\nx {} ext4 rw,noexec 0 0",
                home.display()
            );
            made.put("proc/self/mounts", &mounts);
        }),
        ("keys", Fail, "chmod go-w", |made| {
            made.put("etc/farsight/certs/box.pem", "");
            private(&made.root.join("etc/farsight/certs"), 0o777);
        }),
        ("keys", Fail, "chmod 600", |made| {
            made.put("home/.config/farsight/certs/box.key", "");
            private(&made.root.join("home/.config/farsight/certs"), 0o700);
            private(&made.root.join("home/.config/farsight/certs/box.key"), 0o644);
        }),
        ("open files", Warn, "ulimit -n", |made| {
            made.put("proc/self/limits", "Max open files  64  64  files")
        }),
        ("debugging", Fail, "ptrace_scope", |made| {
            made.facts.probe.debugs = Err("EPERM".into())
        }),
        ("debug registers", Warn, "use bp", |made| {
            made.facts.probe.hardware = Some(Err("none".into()))
        }),
        ("dbgsrv", Warn, "FARSIGHT_DBGSRV", |made| made.facts.server = None),
        ("dbgsrv", Warn, "one release", |made| {
            made.facts.server = Some((PathBuf::from("/d"), Ok("dbgsrv (farsight 0.0.1)".into())));
        }),
        ("dbgsrv", Fail, "for this machine", |made| {
            made.facts.server = Some((PathBuf::from("/d"), Err("Exec format error".into())));
        }),
        ("ssh", Warn, "openssh-client", |made| made.facts.ssh = None),
        ("process", Fail, "there is nothing to debug", |made| {
            made.set("4711", "State", "Z (zombie)")
        }),
        ("process", Fail, "cannot be debugged", |made| {
            let text = made.facts.text("proc/4711/status").unwrap().replace("VmSize", "Vm");
            made.put("proc/4711/status", &text);
        }),
        ("process", Fail, "attach to 4000", |made| {
            made.set("4711", "Tgid", "4000")
        }),
        ("process", Fail, ".tlist", |made| {
            fs::remove_dir_all(made.root.join("proc/4711")).unwrap()
        }),
        ("its debugger", Fail, "-pvr", |made| {
            made.set("4711", "TracerPid", "99");
            made.put("proc/99/status", "Name:\tgdb");
        }),
        ("its user", Fail, "as that user or as root", |made| {
            made.set("4711", "Uid", "7777\t7777\t7777\t7777")
        }),
        ("its user", Well, "", |made| {
            made.set("4711", "Uid", "7777\t7777\t7777\t7777");
            made.set("self", "CapEff", PTRACE);
        }),
        ("its protection", Fail, "CAP_SYS_PTRACE", |made| {
            let user = made.facts.user;
            made.set("4711", "Uid", &format!("{user}\t0{user}1\t1\t1"));
        }),
        ("attaching", Fail, "above", |made| {
            fs::remove_file(made.root.join("proc/4711/mem")).unwrap()
        }),
    ];
    for (number, (what, verdict, cure, change)) in cases.iter().enumerate() {
        let mut made = Made::well(&number.to_string());
        change(&mut made);
        let findings = made.findings();
        let found: Vec<&Finding> = findings.iter().filter(|finding| finding.what == *what).collect();
        assert_eq!(found.len(), 1, "{number} {what}: {found:?}");
        assert_eq!(found[0].verdict, *verdict, "{number} {:?}", found[0]);
        let told = found[0].cure.clone().unwrap_or_default();
        assert!(told.contains(cure), "{number} {told}");
        assert_eq!(told.is_empty(), *verdict == Well, "{number} {told}");
    }
}

#[test]
fn what_others_chose_the_names_of_cannot_order_the_terminal_about() {
    let text = table(&[Finding::fail("process", "4711 (\u{1b}[2J)", "do\u{7} this")]);
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
}

#[test]
fn a_string_that_names_no_server_is_told_without_its_secret() {
    let findings = reach::check("tcp:port=1,password=hush,prot=x");
    let text = table(&findings);
    assert!(
        text.contains("fail") && text.contains("prot") && !text.contains("hush"),
        "{text}"
    );
}
