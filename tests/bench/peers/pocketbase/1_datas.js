// The same table in PocketBase, open to anyone; no log of requests.
migrate((app) => {
  app.save(new Collection({
    type: "base",
    name: "datas",
    listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "",
    fields: [
      { type: "text", name: "data", required: true, min: 1, max: 255 },
      { type: "autodate", name: "date_created", onCreate: true },
      { type: "autodate", name: "date_updated", onCreate: true, onUpdate: true },
    ],
  }));
  const settings = app.settings();
  settings.logs.maxDays = 0;
  app.save(settings);
});
