//! Finds the IANA name that is meant by what people write for a time zone.
//!
//! Most abbreviations are not valid names, and some stand for several places. Those that are names (`EST`) are fixed
//! offsets, which is rarely what is meant.

use jiff::tz::TimeZone;

use super::nearest::nearest;

/// Abbreviations, names of Windows, cities and countries in lower case, each with the zones that are meant, the most
/// likely one first.
const MEANT: &[(&str, &[&str])] = &[
    ("ist", &["Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"]),
    ("pst", &["America/Los_Angeles", "Asia/Manila"]),
    ("pdt", &["America/Los_Angeles"]),
    ("pt", &["America/Los_Angeles"]),
    ("mst", &["America/Denver", "America/Phoenix"]),
    ("mdt", &["America/Denver"]),
    ("mt", &["America/Denver"]),
    ("cst", &["America/Chicago", "Asia/Shanghai", "America/Havana"]),
    ("cdt", &["America/Chicago", "America/Havana"]),
    ("ct", &["America/Chicago"]),
    ("est", &["America/New_York", "America/Panama"]),
    ("edt", &["America/New_York"]),
    ("et", &["America/New_York"]),
    ("akst", &["America/Anchorage"]),
    ("akdt", &["America/Anchorage"]),
    ("ast", &["America/Halifax", "Asia/Riyadh"]),
    ("adt", &["America/Halifax"]),
    ("nst", &["America/St_Johns"]),
    ("ndt", &["America/St_Johns"]),
    ("brt", &["America/Sao_Paulo"]),
    ("art", &["America/Argentina/Buenos_Aires"]),
    ("clt", &["America/Santiago"]),
    ("bst", &["Europe/London", "Asia/Dhaka"]),
    ("cest", &["Europe/Berlin", "Europe/Paris"]),
    ("mez", &["Europe/Berlin", "Europe/Vienna", "Europe/Zurich"]),
    ("mesz", &["Europe/Berlin", "Europe/Vienna", "Europe/Zurich"]),
    ("eest", &["Europe/Athens", "Europe/Kyiv", "Europe/Helsinki"]),
    ("west", &["Europe/Lisbon"]),
    ("msk", &["Europe/Moscow"]),
    ("trt", &["Europe/Istanbul"]),
    ("sast", &["Africa/Johannesburg"]),
    ("cat", &["Africa/Harare", "Africa/Maputo"]),
    ("eat", &["Africa/Nairobi"]),
    ("wat", &["Africa/Lagos"]),
    ("gst", &["Asia/Dubai"]),
    ("pkt", &["Asia/Karachi"]),
    ("npt", &["Asia/Kathmandu"]),
    ("slst", &["Asia/Colombo"]),
    ("mmt", &["Asia/Yangon"]),
    ("ict", &["Asia/Bangkok", "Asia/Ho_Chi_Minh"]),
    ("wib", &["Asia/Jakarta"]),
    ("sgt", &["Asia/Singapore"]),
    ("myt", &["Asia/Kuala_Lumpur"]),
    ("hkt", &["Asia/Hong_Kong"]),
    ("pht", &["Asia/Manila"]),
    ("jst", &["Asia/Tokyo"]),
    ("kst", &["Asia/Seoul"]),
    ("awst", &["Australia/Perth"]),
    ("acst", &["Australia/Adelaide", "Australia/Darwin"]),
    ("aest", &["Australia/Sydney", "Australia/Brisbane"]),
    ("aedt", &["Australia/Sydney"]),
    ("nzst", &["Pacific/Auckland"]),
    ("nzdt", &["Pacific/Auckland"]),
    // Names of Windows.
    ("india standard time", &["Asia/Kolkata"]),
    ("sri lanka standard time", &["Asia/Colombo"]),
    ("pakistan standard time", &["Asia/Karachi"]),
    ("bangladesh standard time", &["Asia/Dhaka"]),
    ("nepal standard time", &["Asia/Kathmandu"]),
    ("arabian standard time", &["Asia/Dubai"]),
    ("arab standard time", &["Asia/Riyadh"]),
    ("israel standard time", &["Asia/Jerusalem"]),
    ("turkey standard time", &["Europe/Istanbul"]),
    ("singapore standard time", &["Asia/Singapore"]),
    ("se asia standard time", &["Asia/Bangkok"]),
    ("china standard time", &["Asia/Shanghai"]),
    ("taipei standard time", &["Asia/Taipei"]),
    ("tokyo standard time", &["Asia/Tokyo"]),
    ("korea standard time", &["Asia/Seoul"]),
    ("aus eastern standard time", &["Australia/Sydney"]),
    ("e. australia standard time", &["Australia/Brisbane"]),
    ("w. australia standard time", &["Australia/Perth"]),
    ("new zealand standard time", &["Pacific/Auckland"]),
    ("gmt standard time", &["Europe/London"]),
    ("greenwich standard time", &["Atlantic/Reykjavik"]),
    ("w. europe standard time", &["Europe/Berlin"]),
    ("central europe standard time", &["Europe/Budapest"]),
    ("central european standard time", &["Europe/Warsaw"]),
    ("romance standard time", &["Europe/Paris"]),
    ("e. europe standard time", &["Europe/Chisinau"]),
    ("fle standard time", &["Europe/Kyiv"]),
    ("gtb standard time", &["Europe/Bucharest"]),
    ("russian standard time", &["Europe/Moscow"]),
    ("south africa standard time", &["Africa/Johannesburg"]),
    ("egypt standard time", &["Africa/Cairo"]),
    ("e. africa standard time", &["Africa/Nairobi"]),
    ("w. central africa standard time", &["Africa/Lagos"]),
    ("eastern standard time", &["America/New_York"]),
    ("us eastern standard time", &["America/Indiana/Indianapolis"]),
    ("central standard time", &["America/Chicago"]),
    ("mountain standard time", &["America/Denver"]),
    ("us mountain standard time", &["America/Phoenix"]),
    ("pacific standard time", &["America/Los_Angeles"]),
    ("alaskan standard time", &["America/Anchorage"]),
    ("hawaiian standard time", &["Pacific/Honolulu"]),
    ("atlantic standard time", &["America/Halifax"]),
    ("e. south america standard time", &["America/Sao_Paulo"]),
    ("argentina standard time", &["America/Argentina/Buenos_Aires"]),
    ("sa pacific standard time", &["America/Bogota"]),
    // Cities and countries that are not the name of a zone.
    ("india", &["Asia/Kolkata"]),
    ("mumbai", &["Asia/Kolkata"]),
    ("delhi", &["Asia/Kolkata"]),
    ("new delhi", &["Asia/Kolkata"]),
    ("bangalore", &["Asia/Kolkata"]),
    ("bengaluru", &["Asia/Kolkata"]),
    ("chennai", &["Asia/Kolkata"]),
    ("hyderabad", &["Asia/Kolkata"]),
    ("pune", &["Asia/Kolkata"]),
    ("germany", &["Europe/Berlin"]),
    ("uk", &["Europe/London"]),
    ("usa", &["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"]),
    ("us", &["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"]),
    ("san francisco", &["America/Los_Angeles"]),
    ("washington", &["America/New_York"]),
    ("beijing", &["Asia/Shanghai"]),
    ("abu dhabi", &["Asia/Dubai"]),
    ("munich", &["Europe/Berlin"]),
    ("frankfurt", &["Europe/Berlin"]),
    ("uae", &["Asia/Dubai"]),
];

/// Names that are a fixed offset all year: the name, the offset in words, and the zone with summer time.
const FIXED: &[(&str, &str, &str)] = &[
    ("est", "five hours behind UTC all year", "America/New_York"),
    ("mst", "seven hours behind UTC all year", "America/Denver"),
];

/// For each offset in minutes, the zone in which most people with this offset live.
const OFFSETS: &[(i32, &str)] = &[
    (-600, "Pacific/Honolulu"),
    (-480, "America/Los_Angeles"),
    (-420, "America/Denver"),
    (-360, "America/Chicago"),
    (-300, "America/New_York"),
    (-240, "America/Halifax"),
    (-210, "America/St_Johns"),
    (-180, "America/Sao_Paulo"),
    (0, "Europe/London"),
    (60, "Europe/Berlin"),
    (120, "Europe/Athens"),
    (180, "Europe/Istanbul"),
    (210, "Asia/Tehran"),
    (240, "Asia/Dubai"),
    (270, "Asia/Kabul"),
    (300, "Asia/Karachi"),
    (330, "Asia/Kolkata"),
    (345, "Asia/Kathmandu"),
    (360, "Asia/Dhaka"),
    (390, "Asia/Yangon"),
    (420, "Asia/Bangkok"),
    (480, "Asia/Singapore"),
    (540, "Asia/Tokyo"),
    (600, "Australia/Sydney"),
];

/// The time zone of this IANA name.
///
/// # Errors
/// What would be right, for the admin.
pub(crate) fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| right(name))
}

/// The doubt about a name that is valid but rarely meant: what it is, and what would be right.
pub(crate) fn doubt(name: &str) -> Option<(String, String)> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, what, meant)) = FIXED.iter().find(|(fixed, ..)| *fixed == lower) {
        return Some((format!("`{name}` is {what}"), format!("with summer time, it is `{meant}`")));
    }
    let behind = lower.strip_prefix("etc/gmt")?;
    let hours: i32 = behind.parse().ok().filter(|hours| *hours != 0)?;
    let (count, sense) = (hours.abs(), if hours > 0 { "behind" } else { "ahead of" });
    let hours_of = if count == 1 { "hour" } else { "hours" };
    let other = if hours > 0 { format!("Etc/GMT-{count}") } else { format!("Etc/GMT+{count}") };
    Some((
        format!("`{name}` is {count} {hours_of} {sense} UTC: in these names the sign is reversed"),
        format!(
            "if the other direction is meant, it is `{other}`; a place, like `Europe/Berlin`, knows summer time, too"
        ),
    ))
}

fn right(name: &str) -> String {
    let name = name.trim();
    let lower = name.to_lowercase().replace('_', " ");
    if let Some((_, zones)) = MEANT.iter().find(|(known, _)| *known == lower) {
        return candidates(zones);
    }
    if matches!(lower.as_str(), "" | "local" | "localtime" | "system" | "default") {
        return "write the place, like \"Asia/Kolkata\"".to_owned();
    }
    if let Some(minutes) = offset(&lower) {
        return at_offset(minutes);
    }
    let all = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect::<Vec<_>>();
    // The name may be a city alone.
    let city =
        |zone: &&String| zone.rsplit('/').next().is_some_and(|city| city.to_lowercase().replace('_', " ") == lower);
    if let Some(zone) = all.iter().filter(|zone| zone.contains('/')).find(city) {
        return format!("did you mean `{}`?", modern(zone));
    }
    let places = all.iter().map(String::as_str).filter(|zone| zone.contains('/'));
    // A short word is near to many abbreviations, and each of them means another zone.
    let near =
        (name.contains('/') || name.chars().count() > 5).then(|| nearest(&name.replace(' ', "_"), places)).flatten();
    near.map_or_else(
        || "write an IANA name like \"Asia/Kolkata\"".to_owned(),
        |near| format!("did you mean `{}`?", modern(near)),
    )
}

fn candidates(zones: &[&str]) -> String {
    match zones {
        [] => String::new(),
        [one] => format!("did you mean `{one}`?"),
        [first, others @ ..] => {
            let others: Vec<String> = others.iter().map(|zone| format!("`{zone}`")).collect();
            format!("did you mean `{first}`? Others use these letters, too: {}", others.join(", "))
        }
    }
}

/// The minutes of an offset like `utc+5:30`, `gmt+1`, `+0530`.
fn offset(text: &str) -> Option<i32> {
    let text = text.strip_prefix("utc").or_else(|| text.strip_prefix("gmt")).unwrap_or(text).trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => text.strip_prefix('\u{2212}').map(|digits| (-1, digits))?,
    };
    let digits = digits.trim();
    let (hours, minutes) = match (digits.split_once([':', '.']), digits.len()) {
        (Some(parts), _) => parts,
        (None, 3 | 4) => digits.split_at_checked(digits.len() - 2)?,
        (None, _) => (digits, "0"),
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 60 + minutes))
}

fn at_offset(minutes: i32) -> String {
    if minutes == 0 {
        return "did you mean `UTC`? In London it is `Europe/London`".to_owned();
    }
    let place = OFFSETS.iter().find(|(offset, _)| *offset == minutes).map(|(_, place)| *place);
    let fixed = (minutes % 60 == 0).then(|| {
        // In these names the sign is reversed.
        format!("`Etc/GMT{}{}`", if minutes > 0 { '-' } else { '+' }, (minutes / 60).abs())
    });
    match (place, fixed) {
        (Some(place), Some(fixed)) => {
            format!(
                "a zone is a place: did you mean `{place}`? Without summer time it is {fixed} (the sign is reversed there)"
            )
        }
        (Some(place), None) => format!("a zone is a place: did you mean `{place}`?"),
        (None, Some(fixed)) => {
            format!("a zone is a place, like `Asia/Kolkata`; the offset is {fixed} (the sign is reversed there)")
        }
        (None, None) => "a zone is a place, like `Asia/Kolkata`".to_owned(),
    }
}

/// The current name of a zone, for older names.
fn modern(zone: &str) -> &str {
    match zone {
        "Asia/Calcutta" => "Asia/Kolkata",
        "Asia/Katmandu" => "Asia/Kathmandu",
        "Asia/Saigon" => "Asia/Ho_Chi_Minh",
        "Asia/Rangoon" => "Asia/Yangon",
        "Europe/Kiev" => "Europe/Kyiv",
        "America/Buenos_Aires" => "America/Argentina/Buenos_Aires",
        zone => zone,
    }
}

#[cfg(test)]
mod tests {
    use super::{MEANT, OFFSETS, doubt, time_zone};

    fn said(name: &str) -> String {
        time_zone(name).map_or_else(|help| help, |_| "right".to_owned())
    }

    #[test]
    fn what_is_meant_is_a_zone() {
        for zone in MEANT.iter().flat_map(|(_, zones)| zones.iter()).chain(OFFSETS.iter().map(|(_, zone)| zone)) {
            assert!(time_zone(zone).is_ok(), "{zone}");
        }
    }

    #[test]
    fn abbreviations_offsets_and_names_of_windows() {
        for (name, wanted) in [
            ("IST", "did you mean `Asia/Kolkata`? Others use these letters, too: `Europe/Dublin`, `Asia/Jerusalem`"),
            ("PST", "did you mean `America/Los_Angeles`? Others use these letters, too: `Asia/Manila`"),
            ("BST", "did you mean `Europe/London`? Others use these letters, too: `Asia/Dhaka`"),
            ("CEST", "did you mean `Europe/Berlin`? Others use these letters, too: `Europe/Paris`"),
            ("jst", "did you mean `Asia/Tokyo`?"),
            ("India Standard Time", "did you mean `Asia/Kolkata`?"),
            ("W. Europe Standard Time", "did you mean `Europe/Berlin`?"),
            ("Asia/Calcuta", "did you mean `Asia/Kolkata`?"),
            ("Asia/Kolkatta", "did you mean `Asia/Kolkata`?"),
            ("Kolkata", "did you mean `Asia/Kolkata`?"),
            ("Mumbai", "did you mean `Asia/Kolkata`?"),
            ("new york", "did you mean `America/New_York`?"),
            ("UTC+5:30", "a zone is a place: did you mean `Asia/Kolkata`?"),
            ("+0530", "a zone is a place: did you mean `Asia/Kolkata`?"),
            (
                "GMT+1",
                "a zone is a place: did you mean `Europe/Berlin`? Without summer time it is `Etc/GMT-1` (the sign is reversed \
                 there)",
            ),
            (
                "UTC-08",
                "a zone is a place: did you mean `America/Los_Angeles`? Without summer time it is `Etc/GMT+8` (the sign is \
              reversed there)",
            ),
            ("UTC+0", "did you mean `UTC`? In London it is `Europe/London`"),
            ("local", "write the place, like \"Asia/Kolkata\""),
            ("XYZ", "write an IANA name like \"Asia/Kolkata\""),
            ("Asia/Kolkata", "right"),
            ("CET", "right"),
            ("UTC", "right"),
        ] {
            assert_eq!(said(name), wanted, "{name}");
        }
    }

    #[test]
    fn names_that_are_rarely_meant() {
        let doubted = |name: &str| doubt(name).map(|(what, _)| what).unwrap_or_default();
        assert_eq!(doubted("EST"), "`EST` is five hours behind UTC all year");
        assert_eq!(doubted("Etc/GMT+5"), "`Etc/GMT+5` is 5 hours behind UTC: in these names the sign is reversed");
        assert_eq!(doubted("Etc/GMT-1"), "`Etc/GMT-1` is 1 hour ahead of UTC: in these names the sign is reversed");
        for name in ["Asia/Kolkata", "UTC", "Etc/UTC", "Etc/GMT", "CET"] {
            assert_eq!(doubted(name), "", "{name}");
        }
    }
}
