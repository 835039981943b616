//! What a site is: scheme and host, as the guard's switch, its list and the browser's permissions name it.

use crate::protocol::Settings;

/// `https://host` of an address or origin, without port and path; none for what is not on the web.
pub fn site_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    // An IPv6 address keeps its brackets, whose colons are no port.
    let end = match host.rfind(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let host = &host[..end];
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

/// The match pattern of a site: all of its ports and paths.
pub fn pattern_of(site: &str) -> String {
    format!("{site}/*")
}

impl Settings {
    /// Whether the upload guard is on for a site.
    pub fn watches(&self, site: &str) -> bool {
        let named = |sites: &[String]| sites.iter().any(|kept| kept == site);
        (self.guard_everywhere || named(&self.guard_sites)) && !named(&self.allowed_sites)
    }
}
