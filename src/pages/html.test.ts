import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { html, trusted } from './html.ts'

describe('html', () => {
  it('escapes every value, in text and in attributes', () => {
    const value = `<script>"it's" & more</script>`
    assert.equal(
      html`<p title="${value}">${value}</p>`.text,
      '<p title="&lt;script&gt;&quot;it&#39;s&quot; &amp; more&lt;/script&gt;">' +
        '&lt;script&gt;&quot;it&#39;s&quot; &amp; more&lt;/script&gt;</p>',
    )
  })

  it('takes what came out of itself as it is, alone and in lists', () => {
    const items = ['<a>', '<b>'].map((item) => html`<li>${item}</li>`)
    assert.equal(html`${items}`.text, '<li>&lt;a&gt;</li><li>&lt;b&gt;</li>')
    assert.equal(html`${trusted('<hr>')}`.text, '<hr>')
  })

  it('escapes the strings of a list too', () => {
    assert.equal(html`${['<a>', 1]}`.text, '&lt;a&gt;1')
  })

  it('shows nothing for undefined and false, but zero for zero', () => {
    assert.equal(html`${undefined}${false}${0}`.text, '0')
  })
})
