//! What a site is: scheme and host, as switches, lists of sites and the browser's permissions name it.

#[cfg(feature = "web")]
use crate::protocol::{Reason, Refusal};

/// The match pattern of all sites.
pub const EVERYWHERE: &str = "<all_urls>";

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

/// Refuses what is not named as a site is.
#[cfg(feature = "web")]
pub fn a_site(site: Option<&str>) -> Result<(), Refusal> {
    match site.filter(|&site| site_of(site).as_deref() != Some(site)) {
        None => Ok(()),
        Some(other) => {
            let detail = format!("{other:?} is not a site like https://example.com");
            Err(Refusal { reason: Reason::BadRequest, detail })
        }
    }
}
