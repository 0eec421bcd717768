//! What `-?`, `-version` and a mistaken command line show.

/// One line that reminds of the rest.
pub const USAGE: &str =
    "usage: farsight [-server LISTENER] [-premote CONNECTION] [options] [-p PID | -pn NAME | -z FILE | PROGRAM ARGUMENTS...]
       farsight -remote CONNECTION [options]";

/// The text of `-version`.
pub fn version() -> String {
    format!("farsight {}\n", env!("CARGO_PKG_VERSION"))
}

/// The text of `-?`.
pub fn help() -> String {
    format!("{USAGE}\n{HELP}")
}

const HELP: &str = "
where the target is
  -premote CONNECTION   on the machine of a process server, started there with  dbgsrv -t tcp:port=5005
                        CONNECTION is tcp:server=HOST,port=5005 or npipe:pipe=NAME; without server= on this machine;
                        with TLS ssl:pin=THUMBPRINT,server=HOST,port=5005 or spipe:pin=THUMBPRINT,pipe=NAME
                        without it: on this machine

a session that several share
  -server LISTENER      let others take part: LISTENER is tcp:port=5006 or npipe:pipe=NAME, with role=observer for those who
                        only look on, role=operator for those who may not end it; may be given several times;
                        with TLS ssl:certuser=NAME,port=5006 or spipe:certuser=NAME,pipe=NAME (see -makecert)
  -remote CONNECTION    take part in the session of a debugger that was started with -server; goes with -c -noio -bonc
                        -lsrcpath and no target; CTRL+B and ENTER, .remote_exit and CTRL+D leave, the session stays;
                        with -noio it runs the commands of -c and leaves
  -clines N             show those who come late the output of the last N commands at most (without it _NT_DEBUG_HISTORY_SIZE
                        says how many)
  -lsrcpath DIRECTORIES where source files are looked for on this machine (with -remote)

the first target (none: start with a prompt; .attach and .create get one)
  -p PID                attach to a process (decimal, or hexadecimal with 0x)
  -pn NAME              attach to the one process whose executable has this name
  -z FILE               look at an image file (a program, a library, a kernel's debug file) without running it
  PROGRAM ARGUMENTS...  start a program; everything behind PROGRAM belongs to it (-- allows a PROGRAM with a dash)

how a process is attached to
  -pb                   do not stop it (breakpoints of -c take effect, Ctrl-C stops it)
  -pr                   set it going if it stands in a job-control stop
  -pe                   take it over from a session that abandoned it
  -pv                   stop it to be looked at: it is not debugged, and runs on at the end
  -pvr                  look at it without stopping it

how
  -o                    follow the processes that the target makes
  -g                    do not stop when the target is first seen
  -G                    do not stop when a process is about to end
  -xe EVENT, -xd EVENT, -xn EVENT, -xi EVENT
                        stop at an event, at its second chance only, tell it, ignore it (as sxe does); -x is -xd av
  -bonc                 break in as soon as there is a session
  -pt SECONDS           how long threads may take to stop when you break in (default 2)
  -noio                 read and show nothing: do what -c and debugging clients say; SIGTERM ends it
  -pd                   at the end let go of every target, also of those that were started (as a rule they are killed)
  -c \"COMMANDS\"         run these first, then read lines from the terminal or standard input
  -cf FILE, -cfr FILE   run this file of commands before -c; -cfr again at each .restart
  -logo FILE, -loga FILE
                        write a log of the session into FILE, anew or behind what is there
  -ee masm|c++          what expressions are written in (masm)
  -y DIRECTORIES        where symbols are looked for, separated by ;
  -i DIRECTORIES        where images (programs and libraries) are looked for, separated by ;
  -srcpath DIRECTORIES  where source files are looked for, separated by ;
  -lines                use source lines, as is usual here; .lines -d ends that
  -n                    tell where symbols are found
  -s                    load symbols with their modules, and not when they are needed
  -v                    say more
  -version, -?          show the release, or this

instead of a session, and with nothing else beside it
  -QR [\\\\NAME]          list the debugging servers and process servers of this machine, which NAME must be;
                        for another machine:  ssh HOST farsight -QR
  -makecert NAME        make a certificate and its key for ssl: and spipe: in ~/.config/farsight/certs, and show how
                        server and client use it

  doctor [PID | CONNECTION]
                        look for what keeps debugging from working on this machine, attaching to a process, or reaching a
                        server, and say what helps; exit code 1 where something fails

Options without a value may share a dash (-gG). Paths are those of this machine, PROGRAM is of the target's.

At a terminal: CTRL+C breaks into a running target, cancels a running command, or clears the line; CTRL+D is q.
Otherwise lines are read from standard input and shown behind the prompt they are for; the end of them is q.
At q, programs that were started are killed and processes that were attached to run on.

Exit code: 0 everything asked was done (at a terminal: the session ended in good order), 1 a command failed,
2 the command line was wrong, 3 no connection or no first target, 4 the debugger itself failed, 128 + N ended by
signal N.

FARSIGHT_LOG_FILE names a file for a log of this program, FARSIGHT_LOG says of what (such as debug or farsight_host=trace).
";
