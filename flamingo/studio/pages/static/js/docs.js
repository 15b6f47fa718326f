// The page of the API: Swagger UI on the description that the server gives of itself. Nothing is loaded from elsewhere.
import { at } from "./api.js";

window.SwaggerUIBundle({
  url: at("/api/openapi.json"),
  dom_id: "#swagger",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: "none",
});
