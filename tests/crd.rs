#[test]
fn the_files_in_crds_are_what_the_types_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    for crd in chatelaine::api::crds() {
        let file = folder.join(format!("{}.yaml", crd.spec.names.plural));
        let due = chatelaine::api::crd_yaml(&crd);
        if std::env::var_os("CHATELAINE_WRITE_CRDS").is_some() {
            std::fs::write(&file, &due).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), due);
    }
}
