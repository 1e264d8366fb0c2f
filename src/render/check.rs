//! Checks a parsed template against the names that exist.
//!
//! Handlebars' strict mode finds `{{typo}}` when the template is rendered, but not `{{#if typo}}`, and nothing in a
//! branch that was not taken. An admin must see such mistakes before a message is needed.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use handlebars::{
    Path, PathSeg, Template,
    template::{BlockParam, HelperTemplate, Parameter, TemplateElement},
};

use super::{
    context::{shape_of_alert, shape_of_message},
    helpers::{self, KNOWN},
    places::Places,
    shape::TemplateShape,
};
use crate::{
    diagnose::{Diagnostic, Source, nearest::did_you_mean},
    render::file::ExtraPath,
};

/// Checks every name, helper and raw expression; returns the undocumented fields that are used.
pub(super) fn check(source: &Arc<Source>, template: &Template, found: &mut Vec<Diagnostic>) -> BTreeSet<ExtraPath> {
    let root = Scope { shape: shape_of_message(), params: Vec::new(), locals: &[] };
    let mut walk = Walk {
        source,
        places: Places::new(&source.text),
        scopes: vec![root],
        lists: 0,
        reached: 0,
        extras: BTreeSet::new(),
        found,
    };
    walk.template(template);
    walk.extras
}

/// The largest number of nested `{{#each}}`: a hundred alerts, nested four times, are a hundred million entries.
const LISTS: usize = 3;

/// The local variables inside a list, like `@index`.
const IN_LIST: [&str; 3] = ["index", "first", "last"];
/// The local variables inside an object.
const IN_OBJECT: [&str; 4] = ["index", "first", "last", "key"];

/// What `this` means at one place.
#[derive(Clone)]
struct Scope {
    shape: TemplateShape,
    params: Vec<(String, TemplateShape)>,
    locals: &'static [&'static str],
}

struct Walk<'a> {
    source: &'a Arc<Source>,
    places: Places<'a>,
    scopes: Vec<Scope>,
    /// The number of `{{#each}}` around this place.
    lists: usize,
    /// How far the text was checked, in bytes.
    reached: usize,
    extras: BTreeSet<ExtraPath>,
    found: &'a mut Vec<Diagnostic>,
}

/// A name that does not exist.
struct Unknown {
    name: String,
    help: Option<String>,
}

impl Walk<'_> {
    fn template(&mut self, template: &Template) {
        for (at, element) in template.elements.iter().enumerate() {
            let tag = template.mapping.get(at).map(|place| self.places.byte(place.0, place.1));
            let tag = tag.map(|start| self.places.tag(start));
            if let Some(tag) = &tag {
                self.reached = self.reached.max(tag.start);
            }
            self.element(element, tag);
        }
    }

    fn element(&mut self, element: &TemplateElement, tag: Option<Range<usize>>) {
        let here = tag.clone().unwrap_or(self.reached..self.reached);
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
            TemplateElement::Expression(call) => {
                self.expression(call, &here);
            }
            TemplateElement::HtmlExpression(call) => {
                if self.expression(call, &here).is_customers() {
                    self.error(here, "a customer's text must not be written without its escape").help =
                        Some("write two braces: {{…}} writes the text as it is, safely".to_owned());
                }
            }
            TemplateElement::HelperBlock(call) => self.block(call, tag),
            // Partials and decorators, and anything that a newer Handlebars adds.
            _ => {
                self.error(here, "partials ({{> …}}, {{#*inline …}}) are not supported").help =
                    Some("write the text where it is needed".to_owned());
            }
        }
    }

    /// Checks `{{name}}` or `{{helper values}}`; returns the shape of its value.
    fn expression(&mut self, call: &HelperTemplate, tag: &Range<usize>) -> TemplateShape {
        let name = call.name.as_name().unwrap_or_default().to_owned();
        let bare = call.params.is_empty() && call.hash.is_empty();
        if bare && helpers::known(&name).is_none() {
            let given = self.value(&call.name, tag);
            if let TemplateShape::Fields(fields) = &given {
                let place = self.places.word(tag, &name);
                let some = fields.first().map_or("", |(name, _)| name);
                self.error(place, format!("`{name}` is not a single value")).help =
                    Some(format!("name one of its fields, like `{name}.{some}`"));
            }
            return given;
        }
        self.call(call, &name, tag)
    }

    /// Checks a helper that is used as a value.
    fn call(&mut self, call: &HelperTemplate, name: &str, tag: &Range<usize>) -> TemplateShape {
        let given: Vec<TemplateShape> = self.values(call, tag);
        let Some(helper) = helpers::known(name) else {
            self.unknown_helper(name, tag);
            return TemplateShape::Free;
        };
        if !helper.inline {
            self.error(self.places.word(tag, name), format!("`{name}` is a block")).help =
                Some(format!("write {{{{#{name} …}}}}…{{{{/{name}}}}}"));
            return TemplateShape::Safe;
        }
        self.count(helper, call.params.len(), tag);
        match (name, given.first()) {
            ("lookup", Some(TemplateShape::List(entry))) => (**entry).clone(),
            ("lookup", Some(TemplateShape::Fields(_))) => {
                let field = match call.params.get(1) {
                    Some(Parameter::Literal(literal)) => literal.as_str(),
                    _ => None,
                };
                field.and_then(|field| given.first()?.field(field)).cloned().unwrap_or(TemplateShape::Free)
            }
            ("default", Some(TemplateShape::List(_) | TemplateShape::Fields(_))) => {
                given.first().cloned().unwrap_or(TemplateShape::Free)
            }
            _ if helper.repeats && given.iter().any(TemplateShape::is_customers) => TemplateShape::Customers,
            _ => TemplateShape::Safe,
        }
    }

    fn values(&mut self, call: &HelperTemplate, tag: &Range<usize>) -> Vec<TemplateShape> {
        let given = call.params.iter().map(|param| self.value(param, tag)).collect();
        let mut named: Vec<_> = call.hash.iter().collect();
        named.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in named {
            self.value(value, tag);
            if name != "includeZero" {
                let place = self.places.word(tag, name);
                self.error(place, format!("there is no option `{name}`"));
            }
        }
        given
    }

    fn value(&mut self, value: &Parameter, tag: &Range<usize>) -> TemplateShape {
        match value {
            Parameter::Literal(_) => TemplateShape::Safe,
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) => {
                    let name = call.name.as_name().unwrap_or_default().to_owned();
                    self.call(call, &name, tag)
                }
                _ => TemplateShape::Free,
            },
            Parameter::Path(path) => match self.resolve(path) {
                Ok(shape) => shape,
                Err(unknown) => self.unknown(unknown, raw(path), tag),
            },
            // Handlebars' parser takes a single name before values for a helper's; here it is a path.
            Parameter::Name(name) => match Path::parse(name).map_err(|_| ()).map(|path| self.resolve(&path)) {
                Ok(Ok(shape)) => shape,
                Ok(Err(unknown)) => self.unknown(unknown, name, tag),
                Err(()) => TemplateShape::Free,
            },
            _ => TemplateShape::Free,
        }
    }

    fn block(&mut self, call: &HelperTemplate, tag: Option<Range<usize>>) {
        let name = call.name.as_name().unwrap_or_default().to_owned();
        let tag = tag.or_else(|| self.places.else_tag(self.reached, &name)).unwrap_or(self.reached..self.reached);
        self.reached = self.reached.max(tag.start);
        let given = self.values(call, &tag);
        match helpers::known(&name) {
            None => self.unknown_helper(&name, &tag),
            Some(helper) if !helper.block => {
                self.error(self.places.word(&tag, &name), format!("`{name}` is not a block")).help =
                    Some(format!("write {{{{{name} …}}}} without `#`"));
            }
            Some(helper) => self.count(helper, call.params.len(), &tag),
        }
        let first = given.first().cloned().unwrap_or(TemplateShape::Free);
        let scope = match name.as_str() {
            "each" => Some(self.each(call, &first, &tag)),
            "with" => {
                let locals = self.scopes.last().map_or(&[] as &[_], |scope| scope.locals);
                let params = block_params(call).into_iter().map(|name| (name, first.clone())).take(1).collect();
                Some(Scope { shape: first, params, locals })
            }
            _ => None,
        };
        let inside = scope.is_some();
        self.scopes.extend(scope);
        let list = usize::from(name == "each");
        self.lists += list;
        if self.lists > LISTS {
            self.error(tag, format!("more than {LISTS} lists in each other")).help =
                Some("a message would take too long to be made: write the lists one after the other".to_owned());
        } else if let Some(template) = &call.template {
            self.template(template);
        }
        self.lists -= list;
        if inside {
            self.scopes.pop();
        }
        if let Some(template) = &call.inverse {
            self.template(template);
        }
    }

    fn each(&mut self, call: &HelperTemplate, over: &TemplateShape, tag: &Range<usize>) -> Scope {
        let (shape, locals): (TemplateShape, &'static [&'static str]) = match over {
            TemplateShape::List(entry) => ((**entry).clone(), &IN_LIST),
            // Which field comes at which turn is not known.
            TemplateShape::Fields(_) | TemplateShape::Free => (TemplateShape::Free, &IN_OBJECT),
            TemplateShape::Safe | TemplateShape::Customers => {
                let name = call.params.first().and_then(Parameter::as_name).unwrap_or_default();
                let place = self.places.word(tag, name);
                self.error(place, format!("`{name}` is not a list")).help =
                    Some("write {{#if …}} for a single value".to_owned());
                (TemplateShape::Free, &IN_OBJECT)
            }
        };
        let key = if matches!(over, TemplateShape::List(_)) { TemplateShape::Safe } else { TemplateShape::Customers };
        let params = block_params(call).into_iter().zip([shape.clone(), key]).collect();
        Scope { shape, params, locals }
    }

    /// The shape of what a path refers to here.
    fn resolve(&mut self, path: &Path) -> Result<TemplateShape, Unknown> {
        let (segments, raw) = match path {
            Path::Local((level, name, _)) => return self.local(*level, name),
            Path::Relative((segments, raw)) => (segments, raw),
        };
        let names: Vec<&str> = segments
            .iter()
            .filter_map(|segment| if let PathSeg::Named(name) = segment { Some(name.as_str()) } else { None })
            .collect();
        let from_root = raw.contains("@root");
        let up = if from_root { 0 } else { segments.len() - names.len() };
        // Handlebars looks for a block's parameters first, even after `this.` and `../`.
        let param = names.first().filter(|_| !from_root);
        let param = param.and_then(|name| {
            self.scopes.iter().rev().find_map(|scope| scope.params.iter().find(|(known, _)| known == name))
        });
        if let Some((_, shape)) = param {
            let shape = shape.clone();
            return self.below(&shape, &names[1..]);
        }
        let at = if from_root { Some(0) } else { self.scopes.len().checked_sub(up + 1) };
        let Some(shape) = at.and_then(|at| self.scopes.get(at)).map(|scope| scope.shape.clone()) else {
            let help = "there is nothing above this place: write one `../` less".to_owned();
            return Err(Unknown { name: raw.clone(), help: Some(help) });
        };
        self.below(&shape, &names)
    }

    fn local(&self, level: usize, name: &str) -> Result<TemplateShape, Unknown> {
        let locals = self.scopes.iter().rev().nth(level).map_or(&[] as &[_], |scope| scope.locals);
        if locals.contains(&name) {
            return Ok(if name == "key" { TemplateShape::Customers } else { TemplateShape::Safe });
        }
        let help = match name {
            "root" => Some("write `@root.` and a name, like `@root.count`".to_owned()),
            _ if IN_OBJECT.contains(&name) => Some("it is known inside {{#each …}} only".to_owned()),
            _ => did_you_mean(name, IN_OBJECT),
        };
        Err(Unknown { name: format!("@{name}"), help })
    }

    fn below(&mut self, shape: &TemplateShape, names: &[&str]) -> Result<TemplateShape, Unknown> {
        let mut at = shape;
        for (depth, name) in names.iter().enumerate() {
            if matches!(at, TemplateShape::Free) {
                self.extras.insert(names[depth..].iter().map(|name| (*name).to_owned()).collect());
                return Ok(TemplateShape::Free);
            }
            at = at.field(name).ok_or_else(|| {
                let known = at.names();
                let name = (*name).to_owned();
                let help = if depth == 0 { self.elsewhere(&name, names) } else { None };
                let help = help.or_else(|| match at {
                    TemplateShape::List(_) => Some("this is a list: write {{#each …}} around it".to_owned()),
                    TemplateShape::Safe | TemplateShape::Customers => {
                        Some("this is a single value, without fields".to_owned())
                    }
                    _ => did_you_mean(&name, known),
                });
                Unknown { name, help }
            })?;
        }
        Ok(at.clone())
    }

    /// Help for a name that exists in another scope, or deeper in the contact.
    fn elsewhere(&self, name: &str, path: &[&str]) -> Option<String> {
        let here = self.scopes.last().map(|scope| &scope.shape)?;
        let near = crate::diagnose::nearest::nearest(name, here.names()).is_some();
        let whole = path.join(".");
        if shape_of_message().field(name).is_some() {
            return Some(format!("outside of this block it is known: write `@root.{whole}`"));
        }
        let alert = shape_of_alert();
        if self.scopes.len() == 1 && alert.field(name).is_some() {
            return Some(format!(
                "it belongs to an alert: write it inside {{{{#each alerts}}}}, or `alerts.0.{whole}`"
            ));
        }
        if near {
            return None;
        }
        let deeper = alert.paths().into_iter().find(|known| known.ends_with(&format!(".{whole}")))?;
        let deeper = if self.scopes.len() == 1 { format!("alerts.0.{deeper}") } else { deeper };
        Some(format!("did you mean `{deeper}`?"))
    }

    fn unknown(&mut self, unknown: Unknown, written: &str, tag: &Range<usize>) -> TemplateShape {
        let place = self.places.word(tag, written);
        let mistake = self.error(place, format!("unknown name `{}`", unknown.name));
        mistake.help = unknown.help;
        "not known here".clone_into(&mut mistake.label);
        TemplateShape::Free
    }

    fn unknown_helper(&mut self, name: &str, tag: &Range<usize>) {
        let place = self.places.word(tag, name);
        let is_name = self.scopes.last().is_some_and(|scope| scope.shape.field(name).is_some());
        let mistake = self.error(place, format!("unknown helper `{name}`"));
        mistake.help = match name {
            "log" => Some("customers' texts do not belong into the log".to_owned()),
            _ if is_name => Some(format!("write {{{{#each {name}}}}} or {{{{#if {name}}}}}")),
            _ => did_you_mean(name, KNOWN.iter().map(|helper| helper.name).collect::<Vec<_>>()),
        };
    }

    fn count(&mut self, helper: &helpers::HelperSpec, given: usize, tag: &Range<usize>) {
        let (least, most) = helper.values;
        if (least..=most).contains(&given) {
            return;
        }
        let wanted = match (least, most) {
            (1, 1) => "one value".to_owned(),
            (least, usize::MAX) => format!("at least {least} values"),
            (least, most) if least == most => format!("{least} values"),
            (least, most) => format!("{least} to {most} values"),
        };
        self.error(self.places.word(tag, helper.name), format!("`{}` takes {wanted}, not {given}", helper.name));
    }

    fn error(&mut self, place: Range<usize>, title: impl Into<String>) -> &mut Diagnostic {
        let at = self.found.len();
        self.found.push(Diagnostic::error(self.source, place, crate::diagnose::Wording::new(title)));
        &mut self.found[at]
    }
}

fn raw(path: &Path) -> &str {
    match path {
        Path::Relative((_, raw)) | Path::Local((_, _, raw)) => raw,
    }
}

fn block_params(call: &HelperTemplate) -> Vec<String> {
    let name = |param: &Parameter| param.as_name().unwrap_or_default().to_owned();
    match &call.block_param {
        Some(BlockParam::Single(one)) => vec![name(one)],
        Some(BlockParam::Pair((one, two))) => vec![name(one), name(two)],
        _ => Vec::new(),
    }
}
