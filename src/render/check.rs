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
    mistakes,
    places::Places,
    shape::TemplateShape,
};
use crate::{
    diagnose::{Diagnostic, Source, Wording, nearest::did_you_mean},
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
                    self.error(here, mistakes::not_escaped());
                }
            }
            TemplateElement::HelperBlock(call) => self.block(call, tag),
            // Partials and decorators, and anything that a newer Handlebars adds.
            _ => self.error(here, mistakes::partial()),
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
                self.error(place, mistakes::not_single(&name, some));
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
            self.error(self.places.word(tag, name), mistakes::is_block(name));
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
                self.error(place, mistakes::unknown_option(name));
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
                self.error(self.places.word(&tag, &name), mistakes::not_a_block(&name));
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
            self.error(tag, mistakes::too_many_lists(LISTS));
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
                self.error(place, mistakes::not_a_list(name));
                (TemplateShape::Free, &IN_OBJECT)
            }
        };
        let key = if matches!(over, TemplateShape::List(_)) { TemplateShape::Safe } else { TemplateShape::Customers };
        let params = block_params(call).into_iter().zip([shape.clone(), key]).collect();
        Scope { shape, params, locals }
    }

    /// The shape of what a path refers to here.
    fn resolve(&mut self, path: &Path) -> Result<TemplateShape, Wording> {
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
            return Err(mistakes::nothing_above(raw));
        };
        self.below(&shape, &names)
    }

    fn local(&self, level: usize, name: &str) -> Result<TemplateShape, Wording> {
        let locals = self.scopes.iter().rev().nth(level).map_or(&[] as &[_], |scope| scope.locals);
        if locals.contains(&name) {
            return Ok(if name == "key" { TemplateShape::Customers } else { TemplateShape::Safe });
        }
        let written = format!("@{name}");
        Err(match name {
            "root" => mistakes::only_root(),
            _ if IN_OBJECT.contains(&name) => mistakes::outside_each(&written),
            _ => mistakes::unknown_name(&written, did_you_mean(name, IN_OBJECT)),
        })
    }

    fn below(&mut self, shape: &TemplateShape, names: &[&str]) -> Result<TemplateShape, Wording> {
        let mut at = shape;
        for (depth, name) in names.iter().enumerate() {
            if matches!(at, TemplateShape::Free) {
                self.extras.insert(names[depth..].iter().map(|name| (*name).to_owned()).collect());
                return Ok(TemplateShape::Free);
            }
            at = at.field(name).ok_or_else(|| {
                let elsewhere = if depth == 0 { self.elsewhere(name, names) } else { None };
                elsewhere.unwrap_or_else(|| match at {
                    TemplateShape::List(_) => mistakes::field_of_list(name),
                    TemplateShape::Safe | TemplateShape::Customers => mistakes::field_of_value(name),
                    _ => mistakes::unknown_name(name, did_you_mean(name, at.names())),
                })
            })?;
        }
        Ok(at.clone())
    }

    /// The mistake of a name that exists in another scope, or deeper in the contact.
    fn elsewhere(&self, name: &str, path: &[&str]) -> Option<Wording> {
        let here = self.scopes.last().map(|scope| &scope.shape)?;
        let near = crate::diagnose::nearest::nearest(name, here.names()).is_some();
        let whole = path.join(".");
        if shape_of_message().field(name).is_some() {
            return Some(mistakes::of_message(name, &whole));
        }
        let alert = shape_of_alert();
        if self.scopes.len() == 1 && alert.field(name).is_some() {
            return Some(mistakes::of_alert(name, &whole));
        }
        if near {
            return None;
        }
        let deeper = alert.paths().into_iter().find(|known| known.ends_with(&format!(".{whole}")))?;
        let deeper = if self.scopes.len() == 1 { format!("alerts.0.{deeper}") } else { deeper };
        Some(mistakes::deeper(name, &deeper))
    }

    fn unknown(&mut self, unknown: Wording, written: &str, tag: &Range<usize>) -> TemplateShape {
        let place = self.places.word(tag, written);
        self.found.push(Diagnostic::error(self.source, place, unknown).label("not known here"));
        TemplateShape::Free
    }

    fn unknown_helper(&mut self, name: &str, tag: &Range<usize>) {
        let place = self.places.word(tag, name);
        let is_name = self.scopes.last().is_some_and(|scope| scope.shape.field(name).is_some());
        let mistake = match name {
            "log" => mistakes::no_log(),
            _ if is_name => mistakes::name_as_helper(name),
            _ => {
                let known: Vec<_> = KNOWN.iter().map(|helper| helper.name).collect();
                mistakes::unknown_helper(name, did_you_mean(name, known))
            }
        };
        self.error(place, mistake);
    }

    fn count(&mut self, helper: &helpers::HelperSpec, given: usize, tag: &Range<usize>) {
        let (least, most) = helper.values;
        if !(least..=most).contains(&given) {
            let place = self.places.word(tag, helper.name);
            self.error(place, mistakes::number_of_values(helper.name, helper.values, given));
        }
    }

    fn error(&mut self, place: Range<usize>, wording: Wording) {
        self.found.push(Diagnostic::error(self.source, place, wording));
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
