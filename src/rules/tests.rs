//! Tests of rule files and their mistakes, of conditions, filters and hours, and of the folder of rules.

mod conditions;
mod filters;
mod folder;
mod hostile;
mod hours;
mod mistakes;
mod never;
