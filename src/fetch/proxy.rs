//! Which proxy a URL is fetched through: the variables that curl and Python read, by the scheme of the URL.
//!
//! `ureq` takes the first of all variables for every URL, and a name in `NO_PROXY` for that host only, not for those
//! below it.

use std::collections::HashMap;

use ureq::http::Uri;

/// The proxy's URL and the variable that names it, if the URL is to be fetched through one.
pub(super) fn proxy_for<'e>(url: &str, env: &'e HashMap<String, String>) -> Option<(String, &'e str)> {
    let uri: Uri = url.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    let variable = |name: &str| env.get(name).map(String::as_str).filter(|value| !value.trim().is_empty());
    let exempt = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    if exempt.split(',').any(|entry| matches(entry.trim(), host, uri.port_u16())) {
        return None;
    }
    let names = [format!("{scheme}_proxy"), format!("{}_PROXY", scheme.to_ascii_uppercase())];
    let names = names.into_iter().chain(["all_proxy".to_owned(), "ALL_PROXY".to_owned()]);
    names.into_iter().find_map(|name| variable(&name).map(|value| (name, value.trim())))
}

/// `example.org` and `.example.org` mean the host and all below it, `*` means every host; a port may follow.
fn matches(entry: &str, host: &str, port: Option<u16>) -> bool {
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') && digits.parse::<u16>().is_ok() => (name, digits.parse().ok()),
        _ => (entry, None),
    };
    let name = name.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let is_all = entry == "*";
    let below = host.strip_suffix(&name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (is_all || (!name.is_empty() && below)) && (wanted.is_none() || wanted == port)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::proxy_for;

    fn proxy(url: &str, env: &[(&str, &str)]) -> String {
        let env: HashMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        proxy_for(url, &env).map_or_else(|| "direct".to_owned(), |(name, value)| format!("{name} {value}"))
    }

    #[test]
    fn the_scheme_of_the_url_chooses_the_variable() {
        let env = [("HTTPS_PROXY", "http://a:1"), ("http_proxy", "http://b:2")];
        assert_eq!(proxy("https://x.org/y", &env), "HTTPS_PROXY http://a:1");
        assert_eq!(proxy("http://x.org/y", &env), "http_proxy http://b:2");
        assert_eq!(proxy("http://x.org/y", &env[..1]), "direct");
        assert_eq!(proxy("http://x.org/y", &[("ALL_PROXY", "c"), ("HTTP_PROXY", "")]), "ALL_PROXY c");
        assert_eq!(proxy("no url", &env), "direct");
    }

    #[test]
    fn hosts_are_exempt_with_all_below_them() {
        let through = |no: &str, host: &str| {
            let env = [("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", no)];
            proxy(&format!("https://{host}/x"), &env) != "direct"
        };
        for no in ["*", "example.org", ".example.org", "*.example.org", "x, hub.EXAMPLE.org", "hub.example.org:8443"] {
            assert!(!through(no, "hub.example.org:8443"), "{no}");
        }
        for no in ["", "ample.org", "hub.example.org:1", "x.hub.example.org"] {
            assert!(through(no, "hub.example.org:8443"), "{no}");
        }
    }
}
