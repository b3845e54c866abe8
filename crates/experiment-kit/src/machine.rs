//! The machine card: on what the figures were measured, so that nobody compares two machines by accident.

use serde::{Deserialize, Serialize};

/// What a result says about the machine and the build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processors that this process may use.
    pub cores: usize,
    /// Name and version of the operating system and its kernel.
    pub os: String,
    /// The processor's name.
    pub cpu: String,
    /// The build profile of this program: `debug` or `release`.
    pub profile: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Machine {
        Machine {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            os: os(),
            cpu: cpu(),
            profile: env!("KIT_PROFILE").to_owned(),
        }
    }
}

/// The version of the compiler that built this program.
pub fn rustc_version() -> &'static str {
    env!("KIT_RUSTC_VERSION")
}

/// The load average of the last minute; `None` where the system does not tell (Linux only).
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

fn os() -> String {
    let release = std::fs::read_to_string("/etc/os-release").ok();
    let name =
        release.as_deref().and_then(|text| value_of(text, "PRETTY_NAME=")).unwrap_or(std::env::consts::OS);
    match std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        Ok(kernel) => format!("{name}, kernel {}, {}", kernel.trim(), std::env::consts::ARCH),
        Err(_) => format!("{name}, {}", std::env::consts::ARCH),
    }
}

fn value_of<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim_matches('"'))
}

/// The processor's name, by the kernel's table (Linux) or by sysctl (macOS).
fn cpu() -> String {
    let from_proc = || {
        let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let from_sysctl = || {
        let output =
            std::process::Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    };
    let found = if cfg!(target_os = "macos") { from_sysctl() } else { from_proc() };
    found.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_is_filled_in() {
        let machine = Machine::here();
        assert!(machine.cores >= 1);
        assert!(!machine.os.is_empty() && !machine.cpu.is_empty());
        assert_eq!(machine.profile, if cfg!(debug_assertions) { "debug" } else { "release" });
        assert!(rustc_version().starts_with(|c: char| c.is_ascii_digit()), "{}", rustc_version());
    }

    #[test]
    fn the_name_of_the_system_is_read_from_its_release_file() {
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(value_of(text, "PRETTY_NAME="), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(value_of(text, "NAME="), None);
    }
}
