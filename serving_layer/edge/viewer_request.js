// Runs at the edge for every request to the API. The gateway must get its own name as Host, so the name that the
// client asked for travels beside it: `next_url` is made from it. What a client sends under that name is overwritten.
function handler(event) {
    var request = event.request;
    request.headers['x-cv-host'] = { value: request.headers.host.value };
    return request;
}
