//! Finds the programs of an installed PostgreSQL, or fetches them.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Progress;
use super::error::EmbeddedError;
use super::initdb::cluster_major;
use super::owner::Owner;
use super::place::Place;
use super::run::run;

const OLDEST_MAJOR: u32 = 15;
const PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_ctl"];
const LIMIT: Duration = Duration::from_secs(10);
/// Where packages put them: (folder, beginning of the versioned folder in it, folder of programs).
const PACKAGES: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/opt/local/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
];
const PLAIN: [&str; 2] = ["/opt/homebrew/bin", "/usr/local/pgsql/bin"];
/// What a download is called in the data directory, before its version.
pub(super) const DOWNLOADED: &str = "postgresql-";

/// A server's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed {
    pub(super) bin: PathBuf,
    pub(super) major: u32,
    pub(super) version: String,
}

/// Finds the programs that can run the cluster in `place`, or a new one there.
///
/// # Errors
/// [`EmbeddedError::PgBin`], [`EmbeddedError::OtherMajor`], [`EmbeddedError::NotInstalled`].
pub(super) fn find(
    pg_bin: Option<&Path>,
    place: &Place,
    owner: &Owner,
    progress: &dyn Progress,
) -> Result<Installed, EmbeddedError> {
    let cluster = cluster_major(place)?;
    let other_major = |cluster: u32, found: String| EmbeddedError::OtherMajor { path: place.cluster(), cluster, found };
    if let Some(bin) = pg_bin {
        let given = given(bin, place, owner)?;
        return match cluster {
            Some(major) if major != given.major => {
                Err(other_major(major, format!("{} in LASTROOM_PG_BIN", given.version)))
            }
            _ => Ok(given),
        };
    }
    let mut seen = Vec::new();
    for bin in candidates(place, owner) {
        let Some(found) = inspect(&bin, place, owner) else {
            continue;
        };
        if found.major >= OLDEST_MAJOR && cluster.is_none_or(|major| major == found.major) {
            return Ok(found);
        }
        seen.push(format!("{} in {}", found.version, found.bin.display()));
    }
    seen.dedup();
    match cluster {
        Some(major) if !downloadable(major) => Err(other_major(major, list(&seen))),
        Some(major) => {
            fetch(place, owner, progress).map_err(|reason| other_major(major, format!("{} ({reason})", list(&seen))))
        }
        None => fetch(place, owner, progress).map_err(|reason| not_installed(&seen, &reason)),
    }
}

fn list(seen: &[String]) -> String {
    if seen.is_empty() { "none".to_owned() } else { seen.join(", ") }
}

fn given(bin: &Path, place: &Place, owner: &Owner) -> Result<Installed, EmbeddedError> {
    let wrong = |reason: String| EmbeddedError::PgBin { path: bin.to_path_buf(), reason };
    let bin = std::path::absolute(bin).map_err(|error| wrong(error.to_string()))?;
    if let Some(missing) = PROGRAMS.iter().find(|program| !is_program(&bin.join(program))) {
        return Err(wrong(format!("no program {missing} there")));
    }
    let unusable = || wrong(format!("the user {} cannot run postgres from there", owner.name));
    let found = inspect(&bin, place, owner).ok_or_else(unusable)?;
    if found.major < OLDEST_MAJOR {
        return Err(wrong(format!("that is PostgreSQL {}", found.version)));
    }
    Ok(found)
}

fn candidates(place: &Place, owner: &Owner) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    folders.extend(asked_pg_config(place, owner));
    let path = env::var_os("PATH").unwrap_or_default();
    folders.extend(env::split_paths(&path).filter(|folder| folder.is_absolute()));
    for (parent, beginning, programs) in PACKAGES {
        folders.extend(versioned(Path::new(parent), beginning, programs));
    }
    folders.extend(PLAIN.map(PathBuf::from));
    folders.extend(versioned(&place.home, DOWNLOADED, "bin"));
    folders
}

fn asked_pg_config(place: &Place, owner: &Owner) -> Option<PathBuf> {
    let mut pg_config = owner.command(Path::new("pg_config"), &place.home);
    let outcome = run(pg_config.arg("--bindir"), LIMIT).ok()?;
    outcome.success().then(|| PathBuf::from(outcome.stdout.trim()))
}

/// `<parent>/<beginning><version>/<programs>`, highest version first.
fn versioned(parent: &Path, beginning: &str, programs: &str) -> Vec<PathBuf> {
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(beginning)?;
            let numbers = version.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
            Some((numbers, entry.path().join(programs)))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder).collect()
}

/// The server in `folder`, if there is a whole one that `owner` can run.
pub(super) fn inspect(folder: &Path, place: &Place, owner: &Owner) -> Option<Installed> {
    let bin = resolved(folder)?;
    let mut postgres = owner.command(&bin.join("postgres"), &place.home);
    let outcome = run(postgres.arg("--version"), LIMIT).ok()?;
    let (major, version) = parse_version(&outcome.stdout)?;
    Some(Installed { bin, major, version })
}

/// Where a symlink in `PATH` leads, if all programs are there; else the folder itself, if they are.
fn resolved(folder: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(folder.join("postgres")).ok()?;
    let real = real.parent()?.to_path_buf();
    [real, folder.to_path_buf()]
        .into_iter()
        .find(|folder| PROGRAMS.iter().all(|program| is_program(&folder.join(program))))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// `postgres (PostgreSQL) 15.14 (Debian …)` gives `(15, "15.14")`; `18beta1` is 18.
fn parse_version(line: &str) -> Option<(u32, String)> {
    let version = line.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((major, version.to_owned()))
}

#[cfg(feature = "pg-download")]
fn downloadable(major: u32) -> bool {
    major == super::download::MAJOR
}

#[cfg(not(feature = "pg-download"))]
fn downloadable(_major: u32) -> bool {
    false
}

#[cfg(feature = "pg-download")]
fn fetch(place: &Place, owner: &Owner, progress: &dyn Progress) -> Result<Installed, String> {
    use super::download::{SOURCE, VERSION, install};
    let bin = install(SOURCE, VERSION, &place.home, progress)
        .map_err(|reason| format!("none could be downloaded: {reason}"))?;
    inspect(&bin, place, owner)
        .filter(|found| VERSION == format!("{}.0", found.version))
        .ok_or_else(|| format!("the downloaded {VERSION} does not run here"))
}

#[cfg(not(feature = "pg-download"))]
fn fetch(_place: &Place, _owner: &Owner, _progress: &dyn Progress) -> Result<Installed, String> {
    Err("this build does not download one".to_owned())
}

fn not_installed(seen: &[String], reason: &str) -> EmbeddedError {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    EmbeddedError::NotInstalled {
        reason: format!("found {}; {reason}", list(seen)),
        hint: hint(&release, env::consts::OS).to_owned(),
    }
}

fn hint(os_release: &str, os: &str) -> &'static str {
    let families: Vec<&str> = os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .collect();
    let is = |family: &str| families.contains(&family);
    if os == "macos" {
        "run `brew install postgresql@17`"
    } else if is("debian") || is("ubuntu") {
        "run `apt-get install postgresql`"
    } else if is("fedora") || is("rhel") {
        "run `dnf install postgresql-server`"
    } else {
        "install your system's PostgreSQL server (Debian, Ubuntu: `apt-get install postgresql`; \
         Fedora: `dnf install postgresql-server`; macOS: `brew install postgresql@17`)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_packages_and_betas() {
        let parse = |text| parse_version(text).map(|(major, _)| major);
        assert_eq!(parse("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(parse("postgres (PostgreSQL) 19beta2"), Some(19));
        assert_eq!(parse("bash: postgres: command not found"), None);
    }

    #[test]
    fn highest_version_first_and_leftovers_ignored() {
        let home = tempfile::tempdir().unwrap();
        for name in ["postgresql-9.6", "postgresql-17.9.0", "postgresql-17.11.0", "postgresql-x"] {
            fs::create_dir(home.path().join(name)).unwrap();
        }
        let found = versioned(home.path(), DOWNLOADED, "bin");
        let expected = ["postgresql-17.11.0/bin", "postgresql-17.9.0/bin", "postgresql-9.6/bin"];
        assert_eq!(found, expected.map(|name| home.path().join(name)));
    }

    #[test]
    fn hint_names_one_command_where_the_system_is_known() {
        assert!(hint("NAME=x\nID=linuxmint\nID_LIKE=\"ubuntu debian\"", "linux").contains("apt-get"));
        assert!(hint("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", "linux").contains("dnf"));
        assert!(hint("", "macos").contains("brew"));
        assert!(hint("ID=void", "linux").contains("apt-get"));
    }
}
