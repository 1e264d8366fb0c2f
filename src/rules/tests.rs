//! Rule files with their mistakes, conditions, filters, and the folder they lie in.

mod conditions;
mod filters;
mod folder;
mod hostile;
mod hours;
mod mistakes;
mod never;
