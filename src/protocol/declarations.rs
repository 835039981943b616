//! The protocol as JavaScript sees it: TypeScript declarations, by which extension/, tests/ and benches/ are checked, and a
//! small module of the names and limits that both sides use; and the settings as organisations set them. Written by the build
//! (src/bin/declare.rs); of this module itself nothing ships.

use std::collections::BTreeMap;

use serde::de::{self, DeserializeOwned};
use serde_json::Value;
use ts_rs::{Config, TS};

use super::*;
use crate::models::{Task, packaged};

const HEAD: &str = "// Written by the build from src/protocol: what crosses between contexts.\n\n";

/// protocol.d.ts: every type of this room.
pub fn typescript() -> String {
    // JavaScript has one kind of number; no figure here comes near 2⁵³.
    let config = Config::new().with_large_int("number");
    let mut out = HEAD.to_owned();
    macro_rules! declare {
        ($($type:ty),* $(,)?) => { $(
            out.push_str(&<$type as TS>::docs().unwrap_or_default());
            out.push_str(&format!("export {}\n\n", <$type as TS>::decl(&config)));
        )* };
    }
    declare!(
        PageAsk,
        FrameAsk,
        CardPart,
        Urgency,
        ScanWish,
        Spot,
        CoveredName,
        Answer,
        Refusal,
        Reason,
        ScanCounts,
        CoveredPictures,
        CoveredPicture,
        CoveredInFrame,
        CoveredHere,
        ToFrame,
        ToPageOf<View>,
        ToOffscreen,
        View,
        Selected,
        FoundPicture,
        FoundFrame,
        Edges,
        TurnedBox,
        Point,
        FramePlace,
        TabView,
        FromPacker,
        FromMeasurer,
        Figures,
        NoGraphics,
        ToProver,
        FromProver,
        EngineFlavour,
        Settings,
        LockState,
        SiteRule,
        Strictness,
        Cover,
        Unjudged,
        PictureRules,
        ClassThreshold,
        Action,
        ResultPlace,
        OwnModels,
        OwnModel,
        Status,
        ModelState,
        ModelStatus,
        MemoryStatus,
        EngineStatus,
        Sentiment,
        Shares,
        Claim,
        TextVerdict,
        SentenceVerdict,
        WhyVerdict,
        PushedWord,
        PictureVerdict,
        Frames,
        ClassScore,
        SecondLook,
        UploadVerdict,
        Said,
        Correcting,
        Correction,
        Corrections,
        Course,
    );
    out.push_str("export type ToPage = ToPageOf<View>;\n\n/** With the name that comes back with its reply. */\n");
    for (name, ask) in [("PageRequest", "PageAsk"), ("FrameRequest", "FrameAsk"), ("Reply", "Answer")] {
        out.push_str(&format!("export type {name} = {{ id: string }} & {ask};\n"));
    }
    out
}

/// tables.js, which background.js and store.js import.
pub fn tables() -> String {
    let mut needed: BTreeMap<&str, &str> = BTreeMap::new();
    let asks = variants::<PageAsk>().iter().chain(variants::<FrameAsk>()).copied();
    for event in asks.chain([MENU_SELECTION, MENU_PICTURE]) {
        let needs =
            needs(event).unwrap_or_else(|| panic!("src/protocol/asks.rs, needs(): {event:?} has no line there"));
        if let Some(task) = needs {
            needed.insert(event, task.name());
        }
    }
    let models: BTreeMap<&str, &str> =
        [Task::Text, Task::Picture].into_iter().map(|task| (task.name(), packaged(task).id)).collect();
    let limits = BTreeMap::from([
        ("SELECTED_UNITS_MAX", SELECTED_UNITS_MAX),
        ("SPOTS_MAX", SPOTS_MAX),
        ("PICTURE_SIDE_MAX", PICTURE_SIDE_MAX),
    ]);
    let mut out = "// Written by the build from src/protocol: what Rust and JavaScript must agree on.\n\n".to_owned();
    let mut export = |what: &str, name: &str, value: String| {
        out.push_str(&format!("/** {what} */\nexport const {name} = {value};\n\n"));
    };
    export("Which task's model each event needs.", "NEEDED", object(&needed));
    export("The package's model for each task.", "PACKAGED", object(&models));
    export(
        "The menu entries.",
        "MENU",
        object(&BTreeMap::from([("selection", MENU_SELECTION), ("picture", MENU_PICTURE)])),
    );
    export("What content scripts keep to.", "LIMITS", object(&limits));
    out
}

fn object<T: std::fmt::Debug>(table: &BTreeMap<&str, T>) -> String {
    let rows: Vec<String> = table.iter().map(|(name, value)| format!("  {name:?}: {value:?},\n")).collect();
    format!("/** @type {{const}} */ ({{\n{}}})", rows.concat())
}

/// managed.json: what an organisation can set, as browsers read it. Their dialect is older and narrower than today's JSON
/// Schema: one type each, no references.
pub fn managed() -> String {
    let settings = schemars::generate::SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Settings>();
    format!("{:#}\n", for_browsers(schema.as_value()))
}

fn for_browsers(schema: &Value) -> Value {
    let mut out = serde_json::Map::new();
    for (name, value) in schema.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            // A value or none: none is not to name the field.
            "type" => value.as_array().and_then(|types| types.first()).unwrap_or(value).clone(),
            "properties" => value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, field)| (name.clone(), for_browsers(field)))
                .collect(),
            "items" | "additionalProperties" if value.is_object() => for_browsers(value),
            "description" | "minimum" | "maximum" | "enum" => value.clone(),
            // An enum whose values are described one by one.
            "oneOf" => {
                let names: Vec<Value> =
                    value.as_array().into_iter().flatten().map(|one| one["const"].clone()).collect();
                out.insert("type".to_owned(), "string".into());
                out.insert("enum".to_owned(), names.into());
                continue;
            }
            _ => continue,
        };
        out.insert(name.clone(), value);
    }
    Value::Object(out)
}

/// The names of an enum's variants, as serde knows them: it names all of them to whoever hands it one that is none.
fn variants<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(de::value::StrDeserializer::new("")) {
        Err(Named(names)) => names,
        Ok(_) => &[],
    }
}

/// An error that keeps the names which were expected.
#[derive(Debug)]
struct Named(&'static [&'static str]);

impl std::fmt::Display for Named {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "expected one of {:?}", self.0)
    }
}

impl std::error::Error for Named {}

impl de::Error for Named {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ask_is_declared_and_has_its_line_among_what_needs_a_model() {
        let declared = typescript();
        let names: Vec<&str> = variants::<PageAsk>().iter().chain(variants::<FrameAsk>()).copied().collect();
        assert!(names.len() > 30, "{names:?}");
        for name in names {
            assert!(declared.contains(&format!("\"ask\": \"{name}\"")), "{name}");
            assert!(needs(name).is_some(), "{name}");
        }
        let tables = tables();
        for (event, task) in [("inView", "picture"), ("textInPopup", "text"), (MENU_SELECTION, "text")] {
            assert!(tables.contains(&format!("\"{event}\": \"{task}\"")), "{tables}");
        }
        assert!(!tables.contains("\"status\""));
    }

    #[test]
    fn an_organisation_can_set_every_field_that_is_kept() {
        let schema: Value = serde_json::from_str(&managed()).unwrap();
        let fields = serde_json::to_value(Settings::default()).unwrap();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&schema["properties"]), names(&fields));
        for (name, field) in schema["properties"].as_object().unwrap() {
            assert!(field["type"].is_string() && field["description"].is_string(), "{name}: {field}");
        }
        assert_eq!(schema["properties"]["action"]["enum"], serde_json::json!(["warn", "blur", "block"]));
    }
}
