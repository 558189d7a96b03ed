"""One coroutine per operation of the API, and what happens by itself: synchronising and the events of the Backbone.

Each takes `services.Services` first. It looks up, asks pure rules, talks to the Backbone, and stores what changed
together with the events that tell of it, as one unit of work.
"""
