//! `*` and `t.*`, without, replaced and renamed.

use std::rc::Rc;

use sqlparser::ast::{ExcludeSelectItem, Ident, ObjectName, RenameSelectItem, WildcardAdditionalOptions};

use super::Resolver;
use super::scope::{Aliases, Scope};
use super::with::Env;
use crate::lineage::GapReason;
use crate::lineage::flow::{Column, Item, Open, OpenSource, hash};

impl Resolver<'_> {
    /// The columns that `*` or `t.*` stands for.
    pub(super) fn star(&mut self, of: Option<&ObjectName>, scope: &Scope<'_>, line: u64) -> Vec<Item> {
        let seen = |at: Option<usize>, item: &Item, scope: &Scope<'_>| match item {
            Item::Column(column) => Item::Column(Column { flow: scope.seen(at, &column.flow), ..column.clone() }),
            Item::Open(open) => {
                let salt = at.and_then(|at| scope.salt(at));
                Item::Open(Open { print: salt.map_or(open.print, |salt| hash(&(open.print, salt))), ..open.clone() })
            }
        };
        let Some(name) = of else {
            return scope.star.iter().map(|(at, item)| seen(*at, item, scope)).collect();
        };
        let keys: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(|ident| self.dialect.key(ident)).collect();
        let mut level = Some(scope);
        while let Some(here) = level {
            if let Some((at, rel)) = here.relation(&keys) {
                return rel.rel.items.iter().map(|item| seen(Some(at), item, here)).collect();
            }
            level = here.outer;
        }
        // `column.*`: fields of a struct.
        let gap = self.gap(GapReason::DynamicColumns, format!("{name}.*"), line);
        vec![Item::Open(Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print: hash(&name.to_string()) })]
    }

    /// `exclude`, `except`, `replace`, `rename` and `ilike` after a `*`.
    pub(super) fn adjusted(
        &mut self,
        items: Vec<Item>,
        options: &WildcardAdditionalOptions,
        scope: &Scope<'_>,
        env: &Env<'_>,
        line: u64,
    ) -> Vec<Item> {
        let mut items = items;
        if let Some(ilike) = &options.opt_ilike {
            let open = |item: &Item| matches!(item, Item::Open(_));
            if items.iter().any(open) {
                let gap = self.gap(GapReason::DynamicColumns, ilike.to_string(), line);
                let print = hash(&ilike.to_string());
                return vec![Item::Open(Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print })];
            }
            items.retain(|item| matches!(item, Item::Column(column) if is_like(&column.name, &ilike.pattern)));
        }
        if let Some(exclude) = &options.opt_exclude {
            items = self.excluded(items, exclude);
        }
        if let Some(except) = &options.opt_except {
            let keys = std::iter::once(&except.first_element).chain(&except.additional_elements);
            let keys: Vec<String> = keys.map(|ident| self.dialect.key(ident)).collect();
            items = without(items, &keys);
        }
        if let Some(replace) = &options.opt_replace {
            for element in &replace.items {
                let value = self.expression(&element.expr, scope, env, Aliases::Unseen);
                self.place(&mut items, &element.column_name, &element.column_name, Some(Rc::new(value.flow)));
            }
        }
        let renames: &[_] = match &options.opt_rename {
            None => &[],
            Some(RenameSelectItem::Single(one)) => std::slice::from_ref(one),
            Some(RenameSelectItem::Multiple(many)) => many,
        };
        for rename in renames {
            self.place(&mut items, &rename.ident, &rename.alias, None);
        }
        items
    }

    /// Without the columns that are named.
    pub(super) fn excluded(&self, items: Vec<Item>, exclude: &ExcludeSelectItem) -> Vec<Item> {
        let names: &[ObjectName] = match exclude {
            ExcludeSelectItem::Single(one) => std::slice::from_ref(one),
            ExcludeSelectItem::Multiple(many) => many,
        };
        let last = names.iter().filter_map(|name| name.0.last()?.as_ident());
        let keys: Vec<String> = last.map(|ident| self.dialect.key(ident)).collect();
        without(items, &keys)
    }

    /// Gives a column of a `*` another name or another value. One that is not known becomes known, behind the others.
    fn place(&mut self, items: &mut Vec<Item>, old: &Ident, new: &Ident, flow: Option<Rc<crate::lineage::flow::Flow>>) {
        let key = self.dialect.key(old);
        let name: Rc<str> = self.dialect.output_name(new).into();
        let new_key: Rc<str> = self.dialect.key(new).into();
        let known = items.iter_mut().find_map(|item| match item {
            Item::Column(column) if column.key.eq_ignore_ascii_case(&key) => Some(column),
            _ => None,
        });
        if let Some(column) = known {
            if new_key.as_ref() != key {
                column.name = name;
                column.key = new_key;
            }
            if let Some(flow) = flow {
                column.flow = flow;
            }
            return;
        }
        let opens: Vec<Open> = items
            .iter()
            .filter_map(|item| match item {
                Item::Open(open) => Some(open.clone()),
                Item::Column(_) => None,
            })
            .collect();
        let Some(flow) = flow.or_else(|| self.among(&opens, old).map(|named| named.flow)) else { return };
        *items = without(std::mem::take(items), &[key]);
        items.push(Item::Column(Column { name, key: new_key, is_named: true, flow }));
    }
}

/// Without the columns of these keys, known or not.
pub(super) fn without(items: Vec<Item>, keys: &[String]) -> Vec<Item> {
    let is_hidden = |key: &str| keys.iter().any(|hidden| hidden.eq_ignore_ascii_case(key));
    let kept = items.into_iter().filter(|item| !matches!(item, Item::Column(column) if is_hidden(&column.key)));
    let hide = |item| match item {
        Item::Open(open) => {
            let mut hidden = (*open.hidden).clone();
            hidden.extend(keys.iter().map(|key| Rc::from(key.as_str())));
            hidden.sort_unstable();
            hidden.dedup();
            let print = hash(&(open.print, &hidden));
            Item::Open(Open { hidden: Rc::new(hidden), print, ..open })
        }
        column @ Item::Column(_) => column,
    };
    kept.map(hide).collect()
}

/// `like` with `%` and `_`, ignoring case.
fn is_like(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    // One row of the usual table: which beginnings of the name the pattern so far matches.
    let mut row = vec![false; name.len() + 1];
    row[0] = true;
    for p in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match p {
                '%' => row[at] || (at > 0 && next[at - 1]),
                '_' => at > 0 && row[at - 1],
                c => at > 0 && row[at - 1] && name[at - 1] == c,
            };
        }
        row = next;
    }
    row[name.len()]
}
