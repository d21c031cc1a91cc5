//! The file that sshd reads: one line for each key that may log in, with the options that bound it.

use jiff::Timestamp;

use crate::api::AuthorizedKeysOptions;

/// The line of the current key, and in an overlap that of the previous one with the time at which it ends.
pub fn render(
    options: Option<&AuthorizedKeysOptions>,
    current: &str,
    previous: Option<(&str, Timestamp)>,
) -> String {
    let options = options.map(in_front).unwrap_or_default();
    let mut file = line(&options, current);
    if let Some((key, retirement)) = previous {
        // With `Z` it is UTC. Whole seconds, rounded down: never valid longer than promised.
        let expiry = format!("expiry-time=\"{}\"", retirement.strftime("%Y%m%d%H%M%SZ"));
        file += &line(&[options, vec![expiry]].concat(), key);
    }
    file
}

fn line(options: &[String], key: &str) -> String {
    match options {
        [] => format!("{key}\n"),
        options => format!("{} {key}\n", options.join(",")),
    }
}

fn in_front(options: &AuthorizedKeysOptions) -> Vec<String> {
    let AuthorizedKeysOptions { restrict, from, command } = options;
    let mut list = Vec::new();
    if *restrict {
        list.push("restrict".to_owned());
    }
    if let Some(command) = command {
        list.push(format!("command={}", quoted(command)));
    }
    if !from.is_empty() {
        list.push(format!("from={}", quoted(&from.join(","))));
    }
    list
}

/// sshd knows one escape, `\"`; every other backslash is itself. Admission refuses control characters and a backslash
/// at the end. Should an object that is older than that rule have them, the line must not break out of its quotes.
fn quoted(text: &str) -> String {
    let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let gap = if one_line.ends_with('\\') { " " } else { "" };
    format!("\"{}{gap}\"", one_line.replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAA alice@home";

    #[test]
    fn a_key_without_options_is_a_line_of_its_own() {
        assert_eq!(render(None, KEY, None), format!("{KEY}\n"));
        assert_eq!(render(Some(&AuthorizedKeysOptions::default()), KEY, None), format!("{KEY}\n"));
    }

    #[test]
    fn options_stand_in_front_and_quotes_are_escaped() {
        let options = AuthorizedKeysOptions {
            restrict: true,
            from: vec!["10.0.0.0/8".into(), "*.example.com".into()],
            command: Some(r#"echo "a b" \n"#.into()),
        };
        assert_eq!(
            render(Some(&options), KEY, None),
            format!("restrict,command=\"echo \\\"a b\\\" \\n\",from=\"10.0.0.0/8,*.example.com\" {KEY}\n")
        );
    }

    #[test]
    fn in_an_overlap_the_old_key_has_the_same_options_and_its_end() {
        let end = "2027-01-01T00:00:00.9Z".parse().unwrap();
        let options = AuthorizedKeysOptions { restrict: true, ..Default::default() };
        assert_eq!(
            render(Some(&options), "new", Some(("old", end))),
            "restrict new\nrestrict,expiry-time=\"20270101000000Z\" old\n"
        );
        assert_eq!(render(None, "new", Some(("old", end))), "new\nexpiry-time=\"20270101000000Z\" old\n");
    }

    #[test]
    fn no_command_breaks_out_of_its_quotes() {
        for command in ["a\\", "a\nssh-ed25519 AAAA evil", "a\" evil"] {
            let options = AuthorizedKeysOptions { command: Some(command.into()), ..Default::default() };
            let file = render(Some(&options), KEY, None);
            assert_eq!(file.lines().count(), 1, "{file}");
            let value =
                file.strip_prefix("command=\"").unwrap().strip_suffix(&format!("\" {KEY}\n")).unwrap();
            assert!(!value.replace("\\\"", "").contains('"') && !value.ends_with('\\'), "{file}");
        }
    }
}
