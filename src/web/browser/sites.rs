//! What a site is: scheme and host, as switches, lists of sites and the browser's permissions name it.

use crate::protocol::Reason;
#[cfg(feature = "web")]
use crate::protocol::Refusal;

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

/// Chromium's own extension, in which it shows PDF files.
const CHROMIUM_PDF: &str = "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/";

/// Why browsers let no extension into a page, as far as its address tells; `own` is that of Sotto's own pages. None of a page on
/// the web that is no store's.
pub fn closed_by(address: Option<&str>, own: &str) -> Option<Reason> {
    let Some(address) = address.filter(|address| !address.is_empty()) else { return Some(Reason::ClosedPage) };
    let (scheme, rest) = address.split_once(':')?;
    match scheme {
        _ if address.starts_with(own) => Some(Reason::OwnPage),
        _ if address.starts_with(CHROMIUM_PDF) => Some(Reason::PdfPage),
        "http" | "https" => {
            let is_store = if own.starts_with("moz-") {
                rest.starts_with("//addons.mozilla.org/")
            } else {
                ["//chromewebstore.google.com/", "//chrome.google.com/webstore"]
                    .iter()
                    .any(|store| rest.starts_with(store))
            };
            is_store.then_some(Reason::StorePage)
        }
        "file" => Some(Reason::FilePage),
        "chrome-extension" | "moz-extension" => Some(Reason::ExtensionPage),
        "data" | "blob" | "filesystem" => Some(Reason::NotOnWeb),
        "about" if rest.starts_with("blank") || rest.starts_with("srcdoc") => Some(Reason::NotOnWeb),
        // chrome:, edge:, about:, devtools:, view-source: and their like.
        _ => Some(Reason::BrowserPage),
    }
}

/// Whether an address is that of a PDF file, as far as it tells.
#[cfg(feature = "web")]
pub fn is_pdf(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    path.len() > 4 && path.is_char_boundary(path.len() - 4) && path[path.len() - 4..].eq_ignore_ascii_case(".pdf")
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
