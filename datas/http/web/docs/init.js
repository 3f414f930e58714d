// Starts Swagger UI. A file of its own, so that the page's policy need not allow inline scripts.
const page = document.documentElement;
page.classList.toggle("dark-mode", matchMedia("(prefers-color-scheme: dark)").matches);
document.body.style.margin = 0;

// HEAD works wherever GET does and OPTIONS everywhere: shown, they would be two rows of three.
const methods = ["get", "post", "put", "patch", "delete"];
const shownMethods = { validOperationMethods: () => () => methods };

// An operation that a token is possible for but not needed would seem locked: it has no padlock.
const withoutPadlock = (Summary, { React }) => ({ operationProps, ...others }) => {
  const optional = operationProps.get("security")?.some((needed) => needed.isEmpty());
  const shown = optional ? operationProps.delete("security") : operationProps;
  return React.createElement(Summary, { ...others, operationProps: shown });
};

SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: page.dataset.document,
  deepLinking: true,
  defaultModelsExpandDepth: 0, // the schemas are one click away
  displayRequestDuration: true,
  persistAuthorization: false, // a token stays in the page, and goes with it
  plugins: [
    { statePlugins: { spec: { wrapSelectors: shownMethods } } },
    { wrapComponents: { OperationSummary: withoutPadlock } },
  ],
  tryItOutEnabled: true,
  validatorUrl: null, // the document is sent to nobody
});
