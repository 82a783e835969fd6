"""The console: server-rendered pages for people, readable without JavaScript and in the dark.

One small script keeps an open page up to date by fetching it again; it makes no text of its own from data.
`routes.py` is the way in; `pages.py` renders; the other modules turn documents into what a page shows.
Nothing in here decides anything, and every text that comes from outside is shown as data.
"""
