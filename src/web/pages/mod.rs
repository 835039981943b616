//! Sotto's own pages. Each exported function fills one HTML file of extension/pages, which is complete and painted
//! before any of this runs. Everything is asked of the background over the protocol; nothing is judged or kept here
//! but which part of a page is open.

mod ask;
mod bound;
mod corrections;
mod dom;
mod download;
mod entries;
mod format;
mod measure;
mod model_row;
mod options;
mod own_models;
mod own_settings;
mod passphrase;
mod popup;
mod privacy;
mod proof;
mod protected_sites;
mod protection;
mod rule_form;
mod scan;
mod settings_file;
mod site_switch;
mod tab;
mod thresholds;
mod try_box;
mod verdict;
mod welcome;
mod worker;
