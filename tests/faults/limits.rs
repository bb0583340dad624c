//! Inputs that are larger than any real one, or that come in the worst way: an error or a graph, in memory that has a bound.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{DUMPS, Run, root, waves};

/// Twice the largest entry, as what is read grows by doubling, and as much again for what all of `waves` takes.
const BOUND: u64 = 4 * (256 << 20);

/// Runs a command that reads what is written to it, and the most memory that it had: as the system says, looked at again and again.
fn fed(mut command: Command, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> (Run, u64) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut input = child.stdin.take().expect("piped");
    let status = format!("/proc/{}/status", child.id());
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = 0;
            while !has_ended.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&status).unwrap_or_default();
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
                peak = peak.max(kilobytes.unwrap_or(0) << 10);
                thread::sleep(Duration::from_millis(5));
            }
            peak
        });
        // It may have had enough before all is written.
        let _ = write(&mut input);
        drop(input);
        let output = child.wait_with_output().expect("ends");
        has_ended.store(true, Ordering::Relaxed);
        let peak = watch.join().expect("no panic");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }, peak)
    })
}

fn import(directory: &TempDir) -> Command {
    let mut command = waves();
    command.args(["import", "-q", "-", "-o"]).arg(directory.path().join("graph.waves"));
    command
}

fn repeated(bytes: &[u8], length: u64, to: &mut dyn Write) -> io::Result<()> {
    let block = bytes.repeat((1 << 20) / bytes.len());
    (0..length.div_ceil(block.len() as u64)).try_for_each(|_| to.write_all(&block))
}

const DRV: &str = "/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a-1.0.drv";

#[test]
fn strings_of_gigabytes_are_refused_in_little_memory() {
    let directory = TempDir::new().expect("a directory");
    let derivation = format!("{{\"{DRV}\":{{\"outputs\":{{}},\"env\":{{\"a\":\"");
    for (begin, length) in
        [("{\"attr\":\"a\",\"error\":\"", 300 << 20), (&derivation, (1 << 30) + 1), ("Derive([(\"out\",\"", (1 << 30) + 1)]
    {
        let (run, peak) = fed(import(&directory), |to| {
            to.write_all(begin.as_bytes())?;
            repeated(b"x", length, to)
        });
        println!("{begin}: {} MiB at most", peak >> 20);
        assert_eq!(run.code, Some(3), "{begin}: {}", run.stderr);
        assert!(run.stderr.contains("larger than 256.0 MiB"), "{begin}: {}", run.stderr);
        assert!(peak < BOUND, "{begin}: {peak}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

/// Ten million inputs are more than an entry may have, as each names a store path; a hundred thousand are read.
#[test]
fn millions_of_inputs_of_one_derivation() {
    let directory = TempDir::new().expect("a directory");
    for (count, code) in [(100_000, 0), (10_000_000_u64, 3)] {
        let (run, peak) = fed(import(&directory), |to| {
            let mut to = io::BufWriter::with_capacity(1 << 20, to);
            write!(to, "{{\"{DRV}\":{{\"outputs\":{{\"out\":{{}}}},\"inputDrvs\":{{")?;
            (0..count).try_for_each(|at| write!(to, "\"/nix/store/{at:032}-i.drv\":[\"out\"],"))?;
            write!(to, "\"/nix/store/{}-i.drv\":[]}}}}}}", "z".repeat(32))?;
            to.flush()
        });
        println!("{count} inputs: {} MiB at most", peak >> 20);
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(peak < BOUND, "{count}: {peak}");
    }
    let mut info = waves();
    let info = Run::of(info.args(["info", "--format", "json", "--graph"]).arg(directory.path().join("graph.waves"))).expect_success();
    let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
    assert_eq!(info["edges"], 100_001);
}

/// Documents that are nested as deep as they are long: each reader has a limit, and says so instead of running out of stack.
#[test]
fn no_reader_of_documents_runs_out_of_stack() {
    const DEPTH: usize = 100_000;
    let directory = TempDir::new().expect("a directory");
    let write = |name: &str, text: String| {
        fs::write(directory.path().join(name), text).expect("written");
        directory.path().join(name).display().to_string()
    };
    let objects = write("objects.json", format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH)));
    let arrays = write("arrays.json", format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)));
    let tables = write("tables.toml", format!("a = {}1{}\n", "{a=".repeat(DEPTH), "}".repeat(DEPTH)));
    let lists = write("lists.toml", format!("a = {}{}\n", "[".repeat(DEPTH), "]".repeat(DEPTH)));
    let keys = write("keys.toml", format!("[{}]\n", vec!["a"; DEPTH].join(".")));
    fs::create_dir(directory.path().join(".waves")).expect("a directory");
    let begin = "{\"format\":\"waves-ledger\",\"format_version\":1}\n{\"time\":";
    write(".waves/ledger.jsonl", format!("{begin}{}{}\n{{}}\n", "[".repeat(DEPTH), "]".repeat(DEPTH)));
    let dumps = DUMPS.map(|dump| root().join(dump).display().to_string());
    let graph = format!("--graph {} --graph {}", dumps[0], dumps[1]);
    let mut commands: Vec<String> = vec![format!("status {graph}")];
    for file in [&objects, &arrays] {
        commands.push(format!("import -q {file} -o graph.waves"));
        commands.push(format!("verify {file} {graph}"));
        commands.push(format!("plan --updates {file} {graph}"));
        commands.push(format!("report {file} -o page.html"));
        commands.push(format!("plan --root zlib --durations {file} {graph}"));
        commands.push(format!("record {file} {graph}"));
        commands.push(format!("history list {file}"));
    }
    for file in [&tables, &lists, &keys] {
        commands.push(format!("check --root zlib --config {file} {graph}"));
    }
    for command in commands {
        let run = Run::of(waves().args(command.split(' ')).current_dir(directory.path()));
        assert_eq!(run.code, Some(3), "{command}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: ") && !run.stderr.contains("panicked"), "{command}: {}", run.stderr);
    }
}

/// Reads that give one byte, and that signals interrupt.
#[test]
fn an_import_that_is_interrupted_again_and_again_reads_all() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("graph.waves");
    let mut dump = Vec::new();
    fs::File::open(root().join(DUMPS[0])).and_then(|mut file| file.read_to_end(&mut dump)).expect("reads");
    Run::of(waves().args(["import", "-q", DUMPS[0], "-o"]).arg(&path)).expect_success();
    let digest = |path: &Path| {
        let info = Run::of(waves().args(["info", "--format", "json", "--graph"]).arg(path)).expect_success();
        serde_json::from_str::<serde_json::Value>(&info).expect("JSON")["evaluation"]["digest"].clone()
    };
    let expected = digest(&path);
    fs::remove_file(&path).expect("removed");
    let mut child = import(&directory).stdin(Stdio::piped()).spawn().expect("starts");
    let mut input = child.stdin.take().expect("piped");
    for (at, part) in dump.chunks(dump.len().div_ceil(30)).enumerate() {
        let (first, rest) = part.split_at(part.len().min(50));
        for byte in first {
            input.write_all(&[*byte]).expect("it reads");
        }
        for signal in [["-STOP", "-CONT"], ["-WINCH", "-CONT"]][at % 2] {
            assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().expect("starts").success());
        }
        input.write_all(rest).expect("it reads");
    }
    drop(input);
    assert!(child.wait().expect("ends").success());
    assert_eq!(digest(&path), expected);
}

/// Runs git in a directory, without the configuration of this machine, at noon of a day of June 2024.
fn git(directory: &Path, day: u32, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "core.compression=1", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(arguments);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let time = format!("2024-06-{day:02}T12:00:00Z");
    git.env("GIT_AUTHOR_DATE", &time).env("GIT_COMMITTER_DATE", &time);
    assert!(git.current_dir(directory).status().expect("git starts").success(), "git {arguments:?}");
}

/// What a repository has packed is a thousand times shorter.
#[test]
fn long_files_of_a_repository_are_not_unpacked() {
    const LENGTH: u64 = 160 << 20;
    let directory = TempDir::new().expect("a directory");
    let git = |arguments: &[&str]| git(directory.path(), 1, arguments);
    let write = |name: &str, end: &[u8]| {
        let mut file = fs::File::create(directory.path().join(name)).expect("created");
        file.set_len(LENGTH).expect("lengthened");
        file.write_all(end).expect("written");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    // One that stays, and is read for what names what changes; one that another is like.
    write("long.nix", b"{ }");
    write("old.bin", b"1");
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "Before"]);
    git(&["rm", "--quiet", "old.bin"]);
    write("new.bin", b"2");
    fs::write(directory.path().join("short.nix"), "{ }").expect("written");
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "After"]);
    let mut command = waves();
    command.args(["impact", "--git", "HEAD~1..HEAD", "--repo"]).arg(directory.path());
    command.args(DUMPS.iter().flat_map(|dump| ["--graph", dump]));
    let (run, peak) = fed(command, |_| Ok(()));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(peak > 0 && peak < LENGTH, "{peak}");
}

/// In what is passed over may be releases: the commits are counted, and printed beside those that are known.
#[test]
fn commits_of_long_files_are_no_releases_and_are_counted() {
    /// A byte more than is read of a file.
    const LENGTH: u64 = (64 << 20) + 1;
    let directory = TempDir::new().expect("a directory");
    let git = |day: u32, arguments: &[&str]| git(directory.path(), day, arguments);
    let commit = |day: u32, files: &[(&str, &str, bool)]| {
        for (file, version, is_long) in files {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().expect("a directory")).expect("created");
            fs::write(&path, format!("{{\n  version = \"{version}\";\n}}\n")).expect("written");
            if *is_long {
                fs::File::options().write(true).open(&path).and_then(|file| file.set_len(LENGTH)).expect("lengthened");
            }
        }
        git(day, &["add", "."]);
        git(day, &["commit", "--quiet", "-m", "x"]);
    };
    let (hello, jq) = ("pkgs/by-name/he/hello/package.nix", "pkgs/by-name/jq/jq/package.nix");
    git(1, &["init", "--quiet", "--initial-branch=main"]);
    commit(1, &[(hello, "1.0", false), (jq, "1.0", false)]);
    commit(3, &[(hello, "1.1", false)]);
    // Two that cannot be told: it gets long, and short again.
    commit(5, &[(hello, "1.2", true), (jq, "1.1", true)]);
    commit(7, &[(hello, "1.3", false)]);
    commit(13, &[(hello, "1.4", false)]);

    let cadence = |format: &str| {
        let mut command = waves();
        command.args(["cadence", "--budget", "1000/day", "--root", "hello,jq", "--format", format, "--repo"]).arg(directory.path());
        Run::of(command.args(DUMPS.iter().flat_map(|dump| ["--graph", dump]))).expect_success()
    };
    let report: serde_json::Value = serde_json::from_str(&cadence("json")).expect("JSON");
    let known = &report["packages"][0];
    assert_eq!(known["package"], "hello", "{report}");
    assert_eq!(known["unread_commits"], 2, "{report}");
    // On day 3 and day 13.
    assert_eq!(known["releases_seen"], 2, "{report}");
    assert_eq!(known["release_days"], 10.0, "{report}");
    assert_eq!(report["packages"].as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(report["unknown"][0]["package"], "jq", "{report}");
    let text = cadence("text");
    assert!(text.contains("hello: no release is counted in 2 commits, where its file is, or was, too long to be read"), "{text}");
    assert!(
        text.contains("0 of them a version in it") && text.contains("1 of these commits are not read, as the file is, or was, too long"),
        "{text}"
    );
}
