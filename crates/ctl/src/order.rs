//! The provider order: service key names with commas between them. Other providers' entries are kept as they are.

/// The order with `name` in it, `None` when it is there already (in any case). A new entry goes to the end, so that
/// names which another provider knows keep going to it first.
pub(crate) fn with(order: &str, name: &str) -> Option<String> {
    if entries(order).any(|entry| entry.eq_ignore_ascii_case(name)) {
        return None;
    }
    let mut all: Vec<&str> = entries(order).collect();
    all.push(name);
    Some(all.join(","))
}

/// The order without `name`, `None` when it is not there.
pub(crate) fn without(order: &str, name: &str) -> Option<String> {
    let kept: Vec<&str> = entries(order)
        .filter(|entry| !entry.eq_ignore_ascii_case(name))
        .collect();
    (kept.len() != entries(order).count()).then(|| kept.join(","))
}

/// The entries; blanks around them and empty entries are slips of other installers.
fn entries(order: &str) -> impl Iterator<Item = &str> {
    order.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_once_and_at_the_end() {
        assert_eq!(with("", "Mrx9p").as_deref(), Some("Mrx9p"));
        assert_eq!(
            with("LanmanWorkstation,WebClient", "Mrx9p").as_deref(),
            Some("LanmanWorkstation,WebClient,Mrx9p")
        );
        assert_eq!(with("LanmanWorkstation,MRX9P,WebClient", "Mrx9p"), None);
        assert_eq!(with(" A , ,B,", "Mrx9p").as_deref(), Some("A,B,Mrx9p"));
        assert_eq!(
            with("Mrx9pOther", "Mrx9p").as_deref(),
            Some("Mrx9pOther,Mrx9p"),
            "a longer name is another one"
        );
    }

    #[test]
    fn removes_its_own_entries_alone() {
        assert_eq!(without("A,Mrx9p,B,mrx9p", "Mrx9p").as_deref(), Some("A,B"));
        assert_eq!(without("Mrx9p", "Mrx9p").as_deref(), Some(""));
        assert_eq!(without("A,B", "Mrx9p"), None);
        assert_eq!(without("", "Mrx9p"), None);
    }
}
