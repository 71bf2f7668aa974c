"use strict";

const docs = document.getElementById("docs");

// The session's CSRF token, for those who try calls while logged in to the admin.
function withToken(request) {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  if (token && !["GET", "HEAD"].includes(request.method)) {
    request.headers["X-CSRFToken"] = token[1];
  }
  return request;
}

window.SwaggerUIBundle({
  url: docs.dataset.schema,
  domNode: docs,
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  requestInterceptor: withToken,
});
