//! Rule files with their mistakes, conditions, filters.

mod conditions;
mod filters;
mod hostile;
mod hours;
mod mistakes;
mod never;
