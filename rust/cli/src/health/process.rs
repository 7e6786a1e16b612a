//! Which collectors run here, and on which ports they listen: read from `/proc`.
//!
//! A health check must not depend on the configuration, and a container without a shell has no other way to tell it
//! where to ask. Only processes of the same network namespace count: the ports of others are out of reach.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process};
use procfs::{FromRead, Uptime};

/// What the programs of OpenTelemetry's collector distributions begin with: otelcol, otelcol-contrib, otelcol-tokenledger.
const PROGRAM_PREFIX: &str = "otelcol";

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    /// Its number, in this process' own namespace.
    pub process: i32,
    /// Name of its executable file.
    pub program: String,
    /// Where it accepts TCP connections.
    pub listeners: Vec<SocketAddr>,
    /// Whether `listeners` are its own. If not, another user's process is not ours to look into, and they are those of
    /// the whole network namespace: a port then proves nothing until it answers as a collector does.
    pub own_listeners: bool,
    /// How long it has been running, if that can be told.
    pub age: Option<Duration>,
    /// Text of the configuration files that its command line names, as far as they can be read.
    pub configuration: String,
    /// Whether that is all of it: every source could be read, and none refers to another one.
    pub whole_configuration: bool,
}

/// All collectors below `proc` (in use: `/proc`), those that listen anywhere in front of others.
pub fn running(proc: &Path) -> Vec<Collector> {
    let Ok(processes) = procfs::process::all_processes_with_root(proc) else { return Vec::new() };
    let here = network_namespace(&proc.join("self"));
    let mut found: Vec<_> = processes
        .filter_map(Result::ok)
        .filter(|process| {
            let there = network_namespace(&proc.join(process.pid.to_string()));
            here.is_none() || there.is_none() || here == there
        })
        .filter_map(|process| collector(proc, &process))
        .collect();
    // A second look at somebody else's process adds nothing where one can be looked into.
    if found.iter().any(|collector| collector.own_listeners) {
        found.retain(|collector| collector.own_listeners);
    }
    found.sort_by_key(|collector| (collector.listeners.is_empty(), collector.process));
    found
}

fn network_namespace(process: &Path) -> Option<PathBuf> {
    fs::read_link(process.join("ns/net")).ok()
}

fn collector(proc: &Path, process: &Process) -> Option<Collector> {
    let program = program(process).filter(|program| program.starts_with(PROGRAM_PREFIX))?;
    let arguments = process.cmdline().unwrap_or_default();
    let inodes = socket_inodes(process);
    let listening = listening(process);
    let own = listening.iter().filter(|entry| inodes.as_ref().is_none_or(|own| own.contains(&entry.inode)));
    let mut listeners: Vec<_> = own.map(|entry| entry.local_address).collect();
    listeners.sort();
    listeners.dedup();
    let (configuration, whole_configuration) =
        configuration(&proc.join(process.pid.to_string()).join("cwd"), &arguments);
    Some(Collector {
        process: process.pid,
        program,
        listeners,
        own_listeners: inodes.is_some(),
        age: age(proc, process),
        configuration,
        whole_configuration,
    })
}

/// Name of the executable. Another user's may only be seen by the first word of its command line.
fn program(process: &Process) -> Option<String> {
    let path = process.exe().ok().or_else(|| process.cmdline().ok()?.first().map(PathBuf::from))?;
    let name = path.file_name()?.to_string_lossy();
    Some(name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned())
}

/// The sockets that a process holds; nothing if it may not be looked into.
fn socket_inodes(process: &Process) -> Option<Vec<u64>> {
    let descriptors = process.fd().ok()?;
    let sockets = descriptors.filter_map(|descriptor| match descriptor.ok()?.target {
        FDTarget::Socket(inode) => Some(inode),
        _ => None,
    });
    Some(sockets.collect())
}

/// Everything that listens in the network namespace of a process. A kernel without IPv6 has no second table.
fn listening(process: &Process) -> Vec<TcpNetEntry> {
    let tables = [process.tcp(), process.tcp6()].into_iter().flatten().flatten();
    tables.filter(|entry| entry.state == TcpState::Listen).collect()
}

fn age(proc: &Path, process: &Process) -> Option<Duration> {
    let started = process.stat().ok()?.starttime as f64 / procfs::ticks_per_second() as f64;
    let up = Uptime::from_file(proc.join("uptime")).ok()?.uptime;
    Duration::try_from_secs_f64(up - started).ok()
}

/// Longest configuration file that is read.
const MAX_CONFIGURATION_BYTES: u64 = 1 << 20;

/// The files of `--config=FILE` and `--config FILE`, one after the other, and whether that is the whole configuration.
/// Other sources (env:, https:, a variable within a file) are not read.
fn configuration(directory: &Path, arguments: &[String]) -> (String, bool) {
    let following = arguments.iter().zip(arguments.iter().skip(1));
    let separate = following.filter(|(name, _)| is_config_flag(name)).map(|(_, value)| value.as_str());
    let joined =
        arguments.iter().filter_map(|word| word.split_once('=').filter(|(name, _)| is_config_flag(name)));
    let named = separate.chain(joined.map(|(_, value)| value));
    let files = named.map(|place| text(directory.join(place.strip_prefix("file:").unwrap_or(place))));
    let texts: Vec<Option<String>> = files.collect();
    let whole = !texts.is_empty()
        && texts.iter().flatten().filter(|text| !text.contains("${")).count() == texts.len();
    (texts.into_iter().flatten().collect(), whole)
}

fn is_config_flag(word: &str) -> bool {
    matches!(word, "--config" | "-config")
}

fn text(file: PathBuf) -> Option<String> {
    let about = fs::metadata(&file).ok()?;
    let readable = about.is_file() && about.len() <= MAX_CONFIGURATION_BYTES;
    readable.then(|| fs::read_to_string(&file).ok().map(|text| text + "\n")).flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A `/proc` with only what is read here.
    struct Proc(tempfile::TempDir);

    impl Proc {
        fn new() -> Self {
            let proc = Self(tempfile::tempdir().unwrap());
            fs::write(proc.path().join("uptime"), "1000.00 1900.00\n").unwrap();
            proc
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        /// A process that holds sockets, with its listening sockets in the tables of its network namespace.
        fn add(&self, pid: i32, program: &str, arguments: &str, sockets: &[u64]) -> PathBuf {
            let process = self.path().join(pid.to_string());
            for folder in ["fd", "net", "ns"] {
                fs::create_dir_all(process.join(folder)).unwrap();
            }
            symlink(format!("/{program}"), process.join("exe")).unwrap();
            fs::write(process.join("cmdline"), format!("/{program}\0{}\0", arguments.replace(' ', "\0")))
                .unwrap();
            symlink("/dev/null", process.join("fd/0")).unwrap();
            for (number, inode) in sockets.iter().enumerate() {
                symlink(format!("socket:[{inode}]"), process.join(format!("fd/{}", number + 1))).unwrap();
            }
            fs::write(process.join("stat"), stat(pid, program)).unwrap();
            process
        }
    }

    /// Started 60 s before the present of [`Proc`], at 100 ticks a second.
    fn stat(pid: i32, program: &str) -> String {
        let start = (1000 - 60) * procfs::ticks_per_second();
        let zeros = "0 ".repeat(30);
        format!("{pid} ({program}) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} {zeros}\n")
    }

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    /// Rows of a table: address and port in the kernel's spelling, state, inode.
    fn table(rows: &[(&str, &str, u64)]) -> String {
        let rows = rows.iter().enumerate().map(|(number, (local, state, inode))| {
            let remote = format!("{}:0000", "0".repeat(local.find(':').unwrap()));
            format!(
                "   {number}: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 10001        0 {inode} 1 0 100 0 0 10 0\n"
            )
        });
        HEAD.to_owned() + &rows.collect::<String>()
    }

    const ANY6: &str = "00000000000000000000000000000000";

    /// Scenario: a collector among other processes; sockets of its own in both tables, one of them connected, and
    /// listening sockets of others. Guarantee: exactly its own listening sockets, its name, its age.
    #[test]
    fn a_collector_and_its_ports_are_found() {
        let proc = Proc::new();
        let process = proc.add(7, "otelcol-contrib", "--config /etc/none.yaml", &[11, 12, 13]);
        proc.add(8, "sh", "", &[14]);
        fs::write(
            process.join("net/tcp"),
            table(&[("0100007F:334D", "0A", 11), ("0100007F:1F90", "0A", 14), ("0100007F:334E", "01", 12)]),
        )
        .unwrap();
        fs::write(process.join("net/tcp6"), table(&[(&format!("{ANY6}:10DD"), "0A", 13)])).unwrap();

        let found = running(proc.path());
        assert_eq!(found.len(), 1, "{found:?}");
        let collector = &found[0];
        assert_eq!((collector.process, collector.program.as_str()), (7, "otelcol-contrib"));
        let expected: Vec<SocketAddr> =
            vec!["127.0.0.1:13133".parse().unwrap(), "[::]:4317".parse().unwrap()];
        assert_eq!(collector.listeners, expected);
        assert!(collector.own_listeners);
        assert_eq!(collector.age, Some(Duration::from_secs(60)));
    }

    /// Scenario: the executable was replaced while it runs; a program that only mentions a collector; no process at all.
    /// Guarantee: the first is found, the others are not.
    #[test]
    fn only_collectors_count() {
        let proc = Proc::new();
        proc.add(3, "otelcol (deleted)", "", &[]);
        proc.add(4, "less", "otelcol.log", &[]);
        let found = running(proc.path());
        assert_eq!(found.iter().map(|c| c.program.as_str()).collect::<Vec<_>>(), ["otelcol"]);
        assert!(running(Proc::new().path()).is_empty());
        assert!(running(Path::new("/no such folder")).is_empty());
    }

    /// Scenario: a collector of another user, whose executable and descriptors may not be seen. Guarantee: it is found by
    /// its command line with the namespace's listeners, marked as such, unless another can be looked into.
    #[test]
    fn a_process_of_another_user() {
        let proc = Proc::new();
        let process = proc.add(5, "otelcol", "--config=x", &[]);
        fs::remove_file(process.join("exe")).unwrap();
        fs::remove_dir_all(process.join("fd")).unwrap();
        fs::write(process.join("net/tcp"), table(&[("00000000:10DE", "0A", 99)])).unwrap();
        let found = running(proc.path());
        assert_eq!(found[0].listeners, ["0.0.0.0:4318".parse::<SocketAddr>().unwrap()]);
        assert!(!found[0].own_listeners);

        proc.add(6, "otelcol", "", &[]);
        let found = running(proc.path());
        assert_eq!(found.iter().map(|c| c.process).collect::<Vec<_>>(), [6]);
    }

    /// Scenario: on a host, collectors of the host and of a container. Guarantee: only those whose ports can be reached.
    #[test]
    fn other_network_namespaces_are_left_out() {
        let proc = Proc::new();
        for (pid, namespace) in [(1, "net:[1]"), (2, "net:[2]")] {
            symlink(namespace, proc.add(pid, "otelcol", "", &[]).join("ns/net")).unwrap();
        }
        fs::create_dir_all(proc.path().join("self/ns")).unwrap();
        symlink("net:[2]", proc.path().join("self/ns/net")).unwrap();
        assert_eq!(running(proc.path()).iter().map(|c| c.process).collect::<Vec<_>>(), [2]);
    }

    /// Scenario: configurations by every spelling of the flag, relative and absolute, from files and from elsewhere.
    /// Guarantee: the texts of the files that exist, and
    /// whether anything is missing in them.
    #[test]
    fn configuration_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(folder.path().join(name), format!("{name}:")).unwrap();
        }
        let absolute = folder.path().join("c").display().to_string();
        let words =
            ["--config", "a", "--config=file:b", "--set=x=y", "--config", "env:X", "-config", &absolute];
        let words: Vec<_> = words.map(str::to_owned).into();
        let (text, whole) = configuration(folder.path(), &words);
        assert_eq!(text.lines().collect::<Vec<_>>(), ["a:", "c:", "b:"]);
        assert!(!whole, "env:X was not read");
        assert_eq!(configuration(folder.path(), &words[..3]), ("a:\nb:\n".to_owned(), true));
        assert_eq!(configuration(folder.path(), &[]), (String::new(), false));

        fs::write(folder.path().join("a"), "a: ${env:A}").unwrap();
        assert!(!configuration(folder.path(), &words[..3]).1, "a file may come in by a variable");
    }
}
