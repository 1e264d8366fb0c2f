//! JSON in the columns of the store, which somebody may have edited.

use pengwatch::inside::{Contact, Matchers, StepProgress};

use super::answers;

pub fn read(data: &[u8]) {
    if let Ok(value) = serde_json::from_slice(data)
        && let Ok(contact) = Contact::read(value)
    {
        answers::check(&contact);
    }
    if let Ok(steps) = serde_json::from_slice::<Vec<StepProgress>>(data) {
        let kept = serde_json::to_string(&steps).expect("JSON");
        assert_eq!(serde_json::from_str::<Vec<StepProgress>>(&kept).expect("the same"), steps);
    }
    if let Ok(matchers) = serde_json::from_slice::<Matchers>(data) {
        let kept = serde_json::to_string(&matchers).expect("JSON");
        assert_eq!(serde_json::from_str::<Matchers>(&kept).expect("the same"), matchers);
        assert!(matchers.set().len() <= 7);
    }
}
