// Stands in for a package that brings all of Gatsby with it. A file that is fetched is
// kept as a node, as there.
exports.createRemoteFileNode = async ({ url, httpHeaders, createNode }) => {
  const response = await require('node-fetch')(url, { headers: httpHeaders })
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  const node = { id: url, internal: { type: 'File' }, type: response.headers.get('content-type'), bytes: await response.buffer() }
  await createNode(node)
  return node
}
